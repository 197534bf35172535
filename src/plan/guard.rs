//! The protections around a command, by name. All are always there; only a build of kiln for tests can leave one out,
//! to prove that an attack which must fail fails because of it.

/// One protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// The system call filter.
    Seccomp,
    /// Landlock.
    Landlock,
    /// The capabilities that are given up.
    Capabilities,
    /// `no_new_privs`; the two above need it or a capability in its place.
    NewPrivileges,
    /// Nobody looks into PID 1.
    Inspection,
    /// The hidden and read-only parts of /proc and /sys.
    Masks,
    /// The root of a build is read-only.
    ReadOnlyRoot,
    /// No user namespaces in the sandbox's own.
    NamespaceLimit,
}
