//! The daemon's memory, in bytes.

use std::collections::{BTreeMap, HashMap};

use procfs::process::{MMapPath, MemoryMap, Process};
use serde_json::{Map, Value, json};

pub(super) fn info(process: &Process) -> Option<Map<String, Value>> {
    let statm = process.statm().ok()?;
    let bytes = |pages: u64| json!(pages * procfs::page_size());
    let told = [
        ("rss", bytes(statm.resident)),
        ("vms", bytes(statm.size)),
        ("shared", bytes(statm.shared)),
        ("text", bytes(statm.text)),
        ("lib", bytes(statm.lib)),
        ("data", bytes(statm.data)),
        ("dirty", bytes(statm.dt)),
    ];
    Some(told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// With what would be free if only this process ended (`uss`), its fair share (`pss`), and what is swapped out.
pub(super) fn full_info(process: &Process) -> Option<Value> {
    let mut told = info(process)?;
    let rollup = process.smaps_rollup().ok()?.memory_map_rollup;
    let rolled = &rollup.0.first()?.extension.map;
    let uss = ["Private_Clean", "Private_Dirty", "Private_Hugetlb"].into_iter().map(|key| of(rolled, key)).sum::<u64>();
    for (name, value) in [("uss", uss), ("pss", of(rolled, "Pss")), ("swap", of(rolled, "Swap"))] {
        told.insert(name.to_owned(), json!(value));
    }
    Some(Value::Object(told))
}

fn of(map: &HashMap<String, u64>, key: &str) -> u64 {
    map.get(key).copied().unwrap_or_default()
}

/// The members of a mapping, and their names in /proc/PID/smaps.
const OF_A_MAP: [(&str, &str); 10] = [
    ("rss", "Rss"),
    ("size", "Size"),
    ("pss", "Pss"),
    ("shared_clean", "Shared_Clean"),
    ("shared_dirty", "Shared_Dirty"),
    ("private_clean", "Private_Clean"),
    ("private_dirty", "Private_Dirty"),
    ("referenced", "Referenced"),
    ("anonymous", "Anonymous"),
    ("swap", "Swap"),
];

/// The mappings, those of the same file added up.
pub(super) fn maps(process: &Process) -> Option<Value> {
    let mut files: BTreeMap<String, [u64; OF_A_MAP.len()]> = BTreeMap::new();
    for map in process.smaps().ok()? {
        let sums = files.entry(file(&map)).or_default();
        for (sum, (_, key)) in sums.iter_mut().zip(OF_A_MAP) {
            *sum += of(&map.extension.map, key);
        }
    }
    Some(files.into_iter().map(|(path, sums)| grouped(&path, sums)).collect())
}

fn grouped(path: &str, sums: [u64; OF_A_MAP.len()]) -> Value {
    let mut told = Map::from_iter([("path".to_owned(), json!(path))]);
    told.extend(OF_A_MAP.into_iter().zip(sums).map(|((name, _), sum)| (name.to_owned(), json!(sum))));
    Value::Object(told)
}

fn file(map: &MemoryMap) -> String {
    match &map.pathname {
        MMapPath::Path(path) => path.to_string_lossy().into_owned(),
        MMapPath::Heap => "[heap]".to_owned(),
        MMapPath::Stack => "[stack]".to_owned(),
        MMapPath::TStack(thread) => format!("[stack:{thread}]"),
        MMapPath::Vdso => "[vdso]".to_owned(),
        MMapPath::Vvar => "[vvar]".to_owned(),
        MMapPath::Vsyscall => "[vsyscall]".to_owned(),
        MMapPath::Rollup => "[rollup]".to_owned(),
        MMapPath::Anonymous => "[anon]".to_owned(),
        MMapPath::Vsys(key) => format!("/SYSV{key:08x}"),
        MMapPath::Other(name) => format!("[{name}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Process {
        Process::myself().expect("this process")
    }

    #[test]
    fn a_process_has_some_of_its_memory_to_itself() {
        let told = full_info(&me()).expect("told");
        let bytes = |name: &str| told[name].as_u64().unwrap_or_else(|| panic!("{name}: {told}"));
        assert!(0 < bytes("uss") && bytes("uss") <= bytes("pss") && bytes("pss") <= bytes("vms"), "{told}");
        assert!(0 < bytes("rss") && bytes("rss") <= bytes("vms"), "{told}");
    }

    #[test]
    fn the_mappings_of_a_file_are_told_once() {
        let told = maps(&me()).expect("told");
        let exe = me().exe().expect("told");
        let mine = |map: &&Value| map["path"] == json!(exe.to_string_lossy());
        let all = told.as_array().expect("a list");
        assert_eq!(all.iter().filter(mine).count(), 1, "{told}");
        assert!(all.iter().all(|map| map["rss"].as_u64() <= map["size"].as_u64()), "{told}");
    }
}
