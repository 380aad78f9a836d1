//! The calls that a process makes, in the words of the code: which function of which file makes them, in which order.

/// What a process does next: one system call, or one word on the start-up channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Call {
    // Taking the claim: `try_take`, for a start and for a clearing.
    MakeClaim,
    OpenClaim,
    LockClaim,
    CompareClaim,
    RemoveStale,
    CloseStale,
    // Whether a daemon lives without it: `of_pidfile`.
    OpenPidfile,
    AskPidfile,
    // `attempt`.
    RemoveOthersClaim,
    // `create_draft`.
    RemoveDraft,
    CreateDraft,
    // The launcher.
    Fork,
    Vouch,
    Agree,
    Started,
    Part,
    // The daemon: `seal`.
    WitnessClaim,
    WriteHalf,
    WriteRest,
    WitnessFile,
    Publish,
    // The daemon: the agreement, and the work.
    DaemonStarted,
    Work,
    // `release`, in the daemon, and after a failure in the launcher.
    IsClaim,
    IsPidfile,
    RemoveSealed,
    RemovePidfile,
    ReleaseDraft,
    ReleaseClaim,
    // A process that ends: the kernel closes its descriptors, and drops the POSIX locks with each, the OFD locks last.
    CloseClaim,
    CloseFile,
    CloseLast,
    Dead,
    // `clear`.
    HasPidfile,
    HasClaim,
    HasDraft,
    ClearPidfile,
    ClearDraft,
    ClearClaim,
    // `look_at`, with `look_once`, `by_claim`, `by_pidfile`, `of_pidfile` and `is_settled`.
    LookIdentity,
    LookOpenClaim,
    LookClaim,
    LookWitness,
    LookStarting,
    LookWitnessAgain,
    LookOpenPidfile,
    LookPidfile,
    LookStanding,
    LookIdentityAgain,
    LookOpenClaimAgain,
    LookHeld,
    LookInPlace,
    LookVouched,
    Nothing,
}

pub(super) const ALL: &[Call] = &[
    Call::MakeClaim,
    Call::OpenClaim,
    Call::LockClaim,
    Call::CompareClaim,
    Call::RemoveStale,
    Call::CloseStale,
    Call::OpenPidfile,
    Call::AskPidfile,
    Call::RemoveOthersClaim,
    Call::RemoveDraft,
    Call::CreateDraft,
    Call::Fork,
    Call::Vouch,
    Call::Agree,
    Call::Started,
    Call::Part,
    Call::WitnessClaim,
    Call::WriteHalf,
    Call::WriteRest,
    Call::WitnessFile,
    Call::Publish,
    Call::DaemonStarted,
    Call::Work,
    Call::IsClaim,
    Call::IsPidfile,
    Call::RemoveSealed,
    Call::RemovePidfile,
    Call::ReleaseDraft,
    Call::ReleaseClaim,
    Call::CloseClaim,
    Call::CloseFile,
    Call::CloseLast,
    Call::Dead,
    Call::HasPidfile,
    Call::HasClaim,
    Call::HasDraft,
    Call::ClearPidfile,
    Call::ClearDraft,
    Call::ClearClaim,
    Call::LookIdentity,
    Call::LookOpenClaim,
    Call::LookClaim,
    Call::LookWitness,
    Call::LookStarting,
    Call::LookWitnessAgain,
    Call::LookOpenPidfile,
    Call::LookPidfile,
    Call::LookStanding,
    Call::LookIdentityAgain,
    Call::LookOpenClaimAgain,
    Call::LookHeld,
    Call::LookInPlace,
    Call::LookVouched,
    Call::Nothing,
];

/// A function of the code, and the calls in it that have to do with the names and the locks, in their order.
pub(super) struct Function {
    pub(super) source: &'static str,
    pub(super) name: &'static str,
    /// As the source has them.
    pub(super) makes: &'static [&'static str],
    /// As the model has them; several, where it takes one call of the source apart.
    pub(super) calls: &'static [Call],
}

const PIDFILE: &str = include_str!("../../pidfile.rs");
const ACQUIRE: &str = include_str!("../acquire.rs");
const CLAIM: &str = include_str!("../claim.rs");
const PLACE: &str = include_str!("../place.rs");
const LOOK: &str = include_str!("../look.rs");
const AFTERMATH: &str = include_str!("../../process/verdict/aftermath.rs");

/// Where the model's calls stand in the code. A test holds the one against the other.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        source: CLAIM,
        name: "try_take",
        makes: &[
            "place.make_claim(",
            "place.open_claim_to_lock(",
            "lock::try_lock_description(&claim, BOTH)",
            "place.is_claim(",
            "place.remove_stale_claim(",
        ],
        calls: &[
            Call::MakeClaim,
            Call::OpenClaim,
            Call::LockClaim,
            Call::CompareClaim,
            Call::RemoveStale,
            Call::CloseStale,
        ],
    },
    Function {
        source: ACQUIRE,
        name: "attempt",
        makes: &["place.check_pidfile(", "claim::try_take(", "look::of_pidfile(", "place.remove_claim("],
        calls: &[Call::RemoveOthersClaim],
    },
    Function { source: ACQUIRE, name: "prepare", makes: &["place.create_draft(", "place.remove_claim("], calls: &[] },
    Function {
        source: PLACE,
        name: "create_draft",
        makes: &["self.remove_draft(", "self.open_name(&self.draft, OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL)"],
        calls: &[Call::RemoveDraft, Call::CreateDraft],
    },
    Function {
        source: PIDFILE,
        name: "seal",
        makes: &[
            "self.claim.write_all_at(",
            "self.file.write_all_at(",
            "own_witness(&self.claim, WITNESS)",
            "own_witness(&self.file, WHOLE)",
            "self.file.set_permissions(",
            "self.place.publish_draft(",
        ],
        calls: &[Call::WriteHalf, Call::WriteRest, Call::WitnessClaim, Call::WitnessFile, Call::Publish],
    },
    Function {
        source: PIDFILE,
        name: "release",
        makes: &[
            "self.place.is_claim(&self.claim)",
            "self.place.is_pidfile(&self.file)",
            "self.place.remove_sealed(",
            "self.place.remove_pidfile(",
            "self.file.set_len(0)",
            "self.place.remove_stale_record(", // which nobody goes by
            "self.place.remove_draft(",
            "self.place.remove_claim(",
        ],
        calls: &[
            Call::IsClaim,
            Call::IsPidfile,
            Call::RemoveSealed,
            Call::RemovePidfile,
            Call::ReleaseDraft,
            Call::ReleaseClaim,
        ],
    },
    Function {
        source: PIDFILE,
        name: "clear",
        makes: &[
            "place.is_clear(",
            "place.check_pidfile(",
            "claim::try_take(",
            "look::of_pidfile(",
            "place.remove_pidfile(",
            "place.remove_draft(",
            "place.remove_stale_record(", // which nobody goes by
            "place.remove_claim(",
        ],
        calls: &[
            Call::HasPidfile,
            Call::HasClaim,
            Call::HasDraft,
            Call::ClearPidfile,
            Call::ClearDraft,
            Call::ClearClaim,
        ],
    },
    Function {
        source: LOOK,
        name: "of_pidfile",
        makes: &["place.pidfile_doubt(", "place.has_pidfile(", "place.open_pidfile(", "lock::holder(&file, WHOLE)"],
        calls: &[Call::OpenPidfile, Call::AskPidfile, Call::LookOpenPidfile, Call::LookPidfile],
    },
    Function {
        source: LOOK,
        name: "look_at",
        makes: &[
            "place.claim_identity(",
            "look_once(place)",
            "daemon.standing(user)",
            "place.claim_identity(",
            "is_settled(place",
        ],
        calls: &[Call::LookIdentity, Call::LookStanding, Call::LookIdentityAgain],
    },
    Function {
        source: LOOK,
        name: "look_once",
        makes: &["place.claim_doubt(", "place.open_claim(", "by_claim(place"],
        calls: &[Call::LookOpenClaim],
    },
    Function {
        source: LOOK,
        name: "by_claim",
        makes: &[
            "lock::is_locked(&claim, BOTH)",
            "lock::holder(&claim, WITNESS)",
            "lock::is_locked(&claim, STARTING)",
            "lock::holder(&claim, WITNESS)",
            "of_pidfile(place)",
        ],
        calls: &[Call::LookClaim, Call::LookWitness, Call::LookStarting, Call::LookWitnessAgain],
    },
    Function {
        source: LOOK,
        name: "by_pidfile",
        makes: &["of_pidfile(place)", "place.has_pidfile("],
        calls: &[], // which only tells a dead one from none
    },
    Function {
        source: LOOK,
        name: "is_settled",
        makes: &["claim::is_held(place)", "daemon.is_in(place)", "daemon.is_vouched("],
        calls: &[Call::LookInPlace, Call::LookVouched],
    },
    Function {
        source: CLAIM,
        name: "is_held",
        makes: &["place.open_claim(", "lock::is_locked(&claim, CLAIM)"],
        calls: &[Call::LookOpenClaimAgain, Call::LookHeld],
    },
    Function {
        source: PIDFILE,
        name: "is_vouched_by",
        makes: &["lock::holder(&self.claim, WITNESS)"],
        calls: &[Call::Vouch],
    },
    Function {
        source: PIDFILE,
        name: "started",
        makes: &["lock::unlock_description(&self.claim, STARTING)"],
        calls: &[Call::Started, Call::DaemonStarted],
    },
    Function {
        source: AFTERMATH,
        name: "part",
        makes: &["pidfile.started(", "drop(self.begun.pidfile)"],
        calls: &[Call::Part],
    },
];
