//! Capabilities, as numbers of `linux/capability.h`.

use rustix::thread::{CapabilitiesSecureBits, CapabilitySet, CapabilitySets};

use crate::sys::SysError;
use crate::sys::error::quoted;

type Result<T> = std::result::Result<T, SysError>;

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// None.
    pub const NONE: Self = Self(0);
    /// Signalling processes of other users, which an init has to.
    pub const KILL: Self = Self(1 << 5);
    /// What rpm and scriptlets need to install files: `CHOWN`, `DAC_OVERRIDE`, `FOWNER`, `FSETID`,
    /// `KILL`, `SETGID`, `SETUID`, `SETPCAP`, `NET_BIND_SERVICE`, `SYS_CHROOT`, `SETFCAP`.
    pub const INSTALL: Self = Self(0x8004_05fb);
}

/// The highest capability number that any kernel may know.
const LAST: u32 = 63;

/// Takes everything but `keep` out of the bounding set, and everything out of the ambient set. What is not in the
/// bounding set is only looked for: taking something out makes new credentials every time.
pub fn bound(keep: Capabilities) -> Result<()> {
    for number in (0..=LAST).filter(|number| keep.0 & (1 << number) == 0) {
        let one = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::capability_is_in_bounding_set(one) {
            Ok(false) => {}
            Ok(true) => rustix::thread::remove_capability_from_bounding_set(one)
                .map_err(quoted("prctl", format_args!("PR_CAPBSET_DROP, {number}")))?,
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(SysError::new("prctl", format!("PR_CAPBSET_READ, {number}"), error)),
        }
    }
    rustix::thread::clear_ambient_capability_set().map_err(quoted("prctl", "PR_CAP_AMBIENT_CLEAR_ALL"))
}

/// Makes `keep` the permitted and effective set; nothing is inheritable.
pub fn set(keep: Capabilities) -> Result<()> {
    let keep = CapabilitySet::from_bits_retain(keep.0);
    let sets = CapabilitySets { effective: keep, permitted: keep, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets).map_err(quoted("capset", format_args!("{:#x}", keep.bits())))
}

/// From now on uid 0 means nothing special, and that cannot be undone.
pub fn lock_secure_bits() -> Result<()> {
    let bits = CapabilitiesSecureBits::NO_ROOT
        | CapabilitiesSecureBits::NO_ROOT_LOCKED
        | CapabilitiesSecureBits::NO_SETUID_FIXUP
        | CapabilitiesSecureBits::NO_SETUID_FIXUP_LOCKED
        | CapabilitiesSecureBits::KEEP_CAPS_LOCKED
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
        | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
    rustix::thread::set_capabilities_secure_bits(bits).map_err(quoted("prctl", "PR_SET_SECUREBITS"))
}
