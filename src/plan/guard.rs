//! The protections around a command, by name. All are always there; only a build of kiln for tests can leave one out,
//! to prove that an attack which must fail fails because of it.

/// One protection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
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
    /// The keeper's own user ids and capabilities. Without them a sandbox of root's has the host's.
    UserNamespace,
    /// Own processes.
    ProcessNamespace,
    /// Own shared memory, semaphores and message queues.
    IpcNamespace,
    /// An own host name.
    HostName,
    /// Own names of control groups.
    CgroupNamespace,
    /// Own clocks.
    TimeNamespace,
    /// The limits that every process has.
    Limits,
    /// Descriptors of the outside are closed.
    Descriptors,
    /// Set-id bits mean nothing on the root.
    NoSetId,
    /// The keeper runs from a file that cannot be written to through it.
    SealedProgram,
    /// A /dev with six devices.
    Devices,
}
