//! Code that looks as good, and is not: for each the checker finds what comes of it.

use super::state::{ACTORS, Verb};

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// After locking, the open file and the claim's name are not compared.
    LockedWithoutComparing,
    /// The claim's name goes before the pidfile's.
    ClaimRemovedFirst,
    /// At the end, the names are removed whatever file they mean by then.
    RemovedWithoutComparing,
    /// What a crash left is cleared away by who does not hold the claim.
    ClearedWithoutTheClaim,
    /// The draft gets the pidfile's name before it is locked.
    PublishedBeforeLocked,
    /// The draft gets the pidfile's name before its number is written.
    PublishedBeforeWritten,
    /// The launcher unlocks the claim when it parts, as a lock guard does that is dropped, and does not just close it.
    UnlockedByTheLauncher,
    /// The claim is not kept: the daemon closes it, because the pidfile's lock seems enough.
    ClaimNotKept,
    /// The launcher closes the claim before the daemon is there.
    ClaimClosedBeforeTheFork,
    /// A question tries the lock to see whether it is free.
    AskedByLocking,
    /// A look does not ask for the witness a second time, after the starting byte.
    WitnessAskedOnce,
    /// The starting byte is not asked for: whoever is vouched for counts as started.
    StartingNotAsked,
    /// What was locked for the start is unlocked as soon as the daemon is sealed, and not when the start is agreed on.
    StartedWhenSealed,
    /// The launcher agrees with a daemon without asking the kernel whether it is one.
    AgreedWithoutAsking,
    /// A daemon that only its pidfile speaks for is asked for its vouching before, and not after, the claim is seen free.
    VouchedBeforeFree,
    /// One that only its pidfile speaks for, beside another's claim, counts as started.
    TakenForStarted,
    /// A start that is given up is cleaned away while its daemon is still at its last call.
    CleanedUpTooEarly,
}

/// Each, with three who are enough to bring it to light, and how many of them need be killed.
pub(super) const ALL: &[(Wrong, [Verb; ACTORS], u8)] = &[
    (Wrong::LockedWithoutComparing, [Verb::Start, Verb::Stop, Verb::Stop], 0),
    (Wrong::ClaimRemovedFirst, [Verb::Start, Verb::Stop, Verb::Stop], 0),
    (Wrong::RemovedWithoutComparing, [Verb::Start, Verb::Start, Verb::Stop], 0),
    (Wrong::ClearedWithoutTheClaim, [Verb::Start, Verb::Stop, Verb::Status], 0),
    (Wrong::PublishedBeforeLocked, [Verb::Start, Verb::Stop, Verb::Status], 0),
    (Wrong::PublishedBeforeWritten, [Verb::Start, Verb::Stop, Verb::Status], 0),
    (Wrong::UnlockedByTheLauncher, [Verb::Start, Verb::Stop, Verb::Status], 0),
    (Wrong::ClaimNotKept, [Verb::Start, Verb::Stop, Verb::Status], 0),
    (Wrong::ClaimClosedBeforeTheFork, [Verb::Start, Verb::Stop, Verb::Status], 0),
    (Wrong::AskedByLocking, [Verb::Start, Verb::Stop, Verb::Status], 0),
    (Wrong::WitnessAskedOnce, [Verb::Start, Verb::Start, Verb::Status], 0),
    (Wrong::StartingNotAsked, [Verb::Start, Verb::Start, Verb::Status], 0),
    (Wrong::StartedWhenSealed, [Verb::Start, Verb::Start, Verb::Status], 0),
    (Wrong::AgreedWithoutAsking, [Verb::Start, Verb::Stop, Verb::Status], 1),
    (Wrong::VouchedBeforeFree, [Verb::Start, Verb::Start, Verb::Stop], 0),
    (Wrong::TakenForStarted, [Verb::Start, Verb::Start, Verb::Start], 1),
    (Wrong::CleanedUpTooEarly, [Verb::Start, Verb::Stop, Verb::Status], 0),
];
