//! What README tells a user to write.

const README: &str = include_str!("../../README.md");

/// The first block of code after these words in README, with the example's program and place replaced by the test's own.
pub fn block(after: &str, replaced: &[(&str, &str)]) -> String {
    let (_, rest) = README.split_once(after).unwrap_or_else(|| panic!("README has no `{after}`"));
    let (_, rest) = rest.split_once("\n```").expect("a block");
    let (_, rest) = rest.split_once('\n').expect("its beginning");
    let (block, _) = rest.split_once("\n```").expect("its end");
    let mut block = format!("{block}\n");
    for (there, here) in replaced {
        assert!(block.contains(there), "`{there}` is in {block}");
        block = block.replace(there, here);
    }
    block
}
