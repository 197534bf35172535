//! Where this process's control groups are, from two files of /proc.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// This process's own group in every hierarchy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// Version 2: where it is mounted, and the own group.
    pub v2: Option<Place>,
    /// Version 1: the own group of each controller.
    pub v1: BTreeMap<String, PathBuf>,
}

/// A group in a mounted hierarchy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The mount.
    pub mount: PathBuf,
    /// The group.
    pub own: PathBuf,
}

/// A line of mountinfo, as far as it matters.
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl Layout {
    /// Reads `/proc/self/cgroup` and `/proc/self/mountinfo`.
    pub(super) fn parse(cgroup: &str, mountinfo: &str) -> Self {
        let mounts: Vec<_> = mountinfo.lines().filter_map(Mount::parse).collect();
        let mut layout = Self::default();
        for line in cgroup.lines() {
            let mut fields = line.splitn(3, ':');
            let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            if controllers.is_empty() {
                layout.v2 = mounts.iter().filter(|mount| mount.kind == "cgroup2").find_map(|mount| {
                    Some(Place { mount: PathBuf::from(mount.point), own: mount.place(path)? })
                });
            }
            for controller in controllers.split(',').filter(|name| !name.is_empty()) {
                let found = mounts
                    .iter()
                    .filter(|mount| {
                        mount.kind == "cgroup" && mount.options.split(',').any(|o| o == controller)
                    })
                    .find_map(|mount| mount.place(path));
                layout.v1.extend(found.map(|path| (controller.to_owned(), path)));
            }
        }
        layout
    }
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let mut fields = filesystem.split(' ');
        Some(Self { root, point, kind: fields.next()?, options: fields.nth(1)? })
    }

    /// Where a group is under this mount, which may show only a part of the hierarchy.
    fn place(&self, path: &str) -> Option<PathBuf> {
        let relative = Path::new(path).strip_prefix(self.root).ok()?;
        Some(Path::new(self.point).join(relative))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:7 - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
27 1 254:0 / / rw - ext4 /dev/vda rw";

    #[test]
    fn a_host_with_both_versions_is_understood() {
        let groups = "4:memory:/api/x\n2:cpu,cpuacct:/\n9:name=systemd:/\n0::/user.slice\n";
        let layout = Layout::parse(groups, MOUNTS);
        let path = |text: &str| PathBuf::from(text);
        assert_eq!(
            layout.v2,
            Some(Place {
                mount: path("/sys/fs/cgroup/unified"),
                own: path("/sys/fs/cgroup/unified/user.slice")
            })
        );
        assert_eq!(layout.v1["memory"], path("/sys/fs/cgroup/memory/api/x"));
        assert_eq!(layout.v1["cpuacct"], path("/sys/fs/cgroup/cpu,cpuacct/"));
        assert_eq!(layout.v1.len(), 3);
    }

    #[test]
    fn in_a_container_the_mount_shows_the_containers_part_only() {
        let mounts = "1 2 0:1 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory";
        let layout = Layout::parse("4:memory:/docker/abc/sub\n", mounts);
        assert_eq!(layout.v1["memory"], PathBuf::from("/sys/fs/cgroup/memory/sub"));
        assert!(Layout::parse("4:memory:/elsewhere\n", mounts).v1.is_empty());
    }
}
