//! Which user ids a sandbox gets: decided by who asks and by what the host allows, never by what would be easy.

use crate::plan::{IdMap, IdRange, ROOT_BASE, Tier};
use crate::sandbox::Error;
use crate::sys::{fs, process, userns};

/// All ids that programs of a distribution expect, `nobody` (65534) among them.
const IDS: u32 = 65_536;

/// All but the last, which is no id in the C library's eyes.
const FEWEST: u32 = IDS - 1;

/// The id maps that this user gets.
pub fn id_map() -> Result<IdMap, Error> {
    let (uid, gid) = process::identity();
    let who = who(uid);
    if let Some(hint) = switched_off(&text("/proc/sys/user/max_user_namespaces"), || {
        if uid == 0 { String::new() } else { text("/proc/sys/kernel/unprivileged_userns_clone") }
    }) {
        return Err(Error::Refused { who, hint, source: None });
    }
    if process::may_set_groups() {
        if uid == 0
            && let (Some(uids), Some(gids)) =
                (private(&text("/proc/self/uid_map")), private(&text("/proc/self/gid_map")))
        {
            return Ok(IdMap { tier: Tier::Root, uids: vec![uids], gids: vec![gids] });
        }
        if let Some(map) = subordinate_map(uid, gid) {
            return Ok(map);
        }
    }
    let one = |id| vec![IdRange { inside: 0, outside: id, count: 1 }];
    Ok(IdMap { tier: Tier::SingleId, uids: one(uid), gids: one(gid) })
}

/// The map of an ordinary user with subordinate ids, where the tools that write it can.
fn subordinate_map(uid: u32, gid: u32) -> Option<IdMap> {
    let tools = ["newuidmap", "newgidmap"].iter().all(|name| userns::find_program(name).is_some());
    // Set-id programs have their rights only where new privileges can be had; containers often forbid them.
    if !tools || process::is_without_new_privileges() {
        return None;
    }
    let name = userns::user_name(uid).unwrap_or_default();
    let map = |file, own, outer| {
        let map = with_self(own, &subordinate(&text(file), &name, uid))?;
        is_mapped(&map, &text(outer)).then_some(map)
    };
    let uids = map("/etc/subuid", uid, "/proc/self/uid_map")?;
    let gids = map("/etc/subgid", gid, "/proc/self/gid_map")?;
    Some(IdMap { tier: Tier::SubordinateIds, uids, gids })
}

/// The ranges of ids that this user namespace has, as first and count.
fn known(map: &str) -> Vec<(u32, u32)> {
    let line = |line: &str| {
        let mut fields = line.split_whitespace();
        let (first, _, count) = (fields.next()?, fields.next()?, fields.next()?);
        Some((first.parse().ok()?, count.parse().ok()?))
    };
    map.lines().filter_map(line).collect()
}

/// Whether this user namespace has the ids that a map leads to: one of a container may have few.
fn is_mapped(map: &[IdRange], outer: &str) -> bool {
    let known = known(outer);
    let inside = |range: &IdRange| {
        known.iter().any(|(first, count)| {
            range.outside >= *first
                && u64::from(range.outside) + u64::from(range.count) <= u64::from(*first) + u64::from(*count)
        })
    };
    map.iter().all(inside)
}

/// A range for root that is nobody's: on a host far above all others; in a container, which has few ids, any that
/// holds `nobody` and leaves the container's root out.
fn private(outer: &str) -> Option<IdRange> {
    let high = IdRange { inside: 0, outside: ROOT_BASE, count: IDS };
    if is_mapped(&[high], outer) {
        return Some(high);
    }
    let range = |(first, count): (u32, u32)| {
        let outside = first.max(1);
        let count = (u64::from(first) + u64::from(count)).saturating_sub(u64::from(outside));
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(IDS);
        (count >= FEWEST).then_some(IdRange { inside: 0, outside, count })
    };
    known(outer).into_iter().filter_map(range).next_back()
}

fn text(path: &str) -> String {
    fs::read_text(path).unwrap_or_default()
}

fn who(uid: u32) -> String {
    if uid == 0 { "root".to_owned() } else { "an ordinary user".to_owned() }
}

/// What has to change when user namespaces are switched off altogether.
fn switched_off(limit: &str, unprivileged: impl FnOnce() -> String) -> Option<String> {
    if limit.trim() == "0" {
        return Some("sysctl -w user.max_user_namespaces=65536".to_owned());
    }
    (unprivileged().trim() == "0").then(|| "sysctl -w kernel.unprivileged_userns_clone=1".to_owned())
}

/// The hint for a refusal that only showed when it was tried.
pub(super) fn refusal(source: crate::sys::SysError) -> Error {
    let (uid, _) = process::identity();
    let apparmor = text("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    let hint = if source.errno() == Some(libc::ENOSPC) {
        "the limit on user namespaces is reached: sysctl -w user.max_user_namespaces=65536"
    } else if apparmor.trim() == "1" && uid != 0 {
        "an AppArmor policy restricts them: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile \
         for kiln with `userns,`"
    } else {
        "inside a container, its seccomp profile has to allow unshare and clone with new user namespaces"
    };
    Error::Refused { who: who(uid), hint: hint.to_owned(), source: Some(source) }
}

/// The ranges that `/etc/subuid` or `/etc/subgid` gives to a user, who is listed by name or by number.
fn subordinate(file: &str, name: &str, uid: u32) -> Vec<(u32, u32)> {
    let number = uid.to_string();
    file.lines()
        .filter_map(|line| {
            let mut fields = line.trim().split(':');
            let (owner, start, count) = (fields.next()?, fields.next()?, fields.next()?);
            let ours = owner == number || (!name.is_empty() && owner == name);
            Some((ours, start.parse().ok()?, count.parse().ok()?))
        })
        .filter_map(|(ours, start, count)| (ours && count > 0).then_some((start, count)))
        .collect()
}

/// The map of a user's own id to 0 and of subordinate ids to the rest; `None` when there are not enough of them.
fn with_self(own: u32, ranges: &[(u32, u32)]) -> Option<Vec<IdRange>> {
    let mut map = vec![IdRange { inside: 0, outside: own, count: 1 }];
    let mut next = 1;
    for (start, count) in ranges {
        let count = (*count).min(IDS - next);
        if count > 0 {
            map.push(IdRange { inside: next, outside: *start, count });
            next += count;
        }
    }
    (next == IDS).then_some(map)
}

/// A map as the kernel reads it, and as `newuidmap` takes it.
pub(super) fn lines(ranges: &[IdRange]) -> String {
    let line = |range: &IdRange| format!("{} {} {}\n", range.inside, range.outside, range.count);
    ranges.iter().map(line).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# comment\nalice:100000:65536\nbob:165536:65536\n1002:300000:1000\n1002:400000:70000\nx:y\n";

    #[test]
    fn a_subordinate_range_is_found_by_name_and_by_number() {
        assert_eq!(subordinate(FILE, "alice", 1000), [(100_000, 65_536)]);
        assert_eq!(subordinate(FILE, "carol", 1002), [(300_000, 1000), (400_000, 70_000)]);
        assert_eq!(subordinate(FILE, "", 7), []);
    }

    #[test]
    fn several_ranges_are_joined_until_there_are_65536_ids() {
        let map = with_self(1002, &subordinate(FILE, "carol", 1002)).unwrap();
        assert_eq!(lines(&map), "0 1002 1\n1 300000 1000\n1001 400000 64535\n");
        assert_eq!(with_self(1002, &[(300_000, 1000)]), None);
    }

    #[test]
    fn root_gets_a_range_that_its_surroundings_have() {
        let range = |outer| private(outer).map(|range| (range.outside, range.count));
        assert_eq!(range("         0          0 4294967295\n"), Some((ROOT_BASE, IDS)));
        assert_eq!(range("0 1000 1\n1 100000 65536\n"), Some((1, IDS)));
        assert_eq!(range("0 1879048192 65536\n"), Some((1, FEWEST)));
        assert_eq!(range("0 1000 1\n"), None);
        assert_eq!(range("0 100000 65535\n"), None);
    }

    #[test]
    fn a_subordinate_range_must_be_there_in_a_container() {
        let map = with_self(1000, &[(100_000, 65_536)]).unwrap();
        assert!(is_mapped(&map, "0 0 4294967295\n"));
        assert!(!is_mapped(&map, "1000 1000 1\n"));
        assert!(!is_mapped(&map, "0 0 65536\n"));
    }

    #[test]
    fn the_switch_that_is_off_is_named() {
        let hint = |limit: &str, clone: &str| switched_off(limit, || clone.to_owned());
        assert_eq!(hint("0\n", ""), Some("sysctl -w user.max_user_namespaces=65536".to_owned()));
        assert_eq!(hint("100\n", "0\n"), Some("sysctl -w kernel.unprivileged_userns_clone=1".to_owned()));
        assert_eq!(hint("100\n", ""), None);
    }
}
