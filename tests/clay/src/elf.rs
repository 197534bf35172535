//! What an ELF file provides and requires, in the words of rpm's own generator.
//!
//! `libz.so.1()(64bit)` is a library by soname, `libc.so.6(GLIBC_2.34)(64bit)` a version of its symbols. Provides come from the
//! soname (or the file's name, if a library has none) and from the version definitions, requires from the needed
//! libraries and the version needs. Only what the dynamic section points to is read: sections may be stripped.

/// The dependencies of one file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// What others can link to.
    pub provides: Vec<String>,
    /// What the dynamic linker will look for.
    pub requires: Vec<String>,
}

const MAGIC: &[u8] = b"\x7fELF";
const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const PT_INTERP: u64 = 3;
const ET_EXEC: u64 = 2;
const ET_DYN: u64 = 3;
const DT_NEEDED: u64 = 1;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SONAME: u64 = 14;
const DT_DEBUG: u64 = 21;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const DT_VERDEF: u64 = 0x6fff_fffc;
const DT_VERDEFNUM: u64 = 0x6fff_fffd;
const DT_VERNEED: u64 = 0x6fff_fffe;
const DT_VERNEEDNUM: u64 = 0x6fff_ffff;
const VER_FLG_BASE: u64 = 1;

/// Reads a file's dependencies; nothing for what is not a dynamic little-endian ELF file.
///
/// `mode` are the permission bits: rpm ignores the needs of a program that nobody may run.
pub fn dependencies(file_name: &str, mode: u16, bytes: &[u8]) -> Dependencies {
    read(file_name, mode, bytes).unwrap_or_default()
}

/// The bytes with the class of the file, for reading numbers.
struct Elf<'a> {
    bytes: &'a [u8],
    wide: bool,
}

impl<'a> Elf<'a> {
    fn number(&self, at: u64, size: u64) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let field = self.bytes.get(at..at.checked_add(size as usize)?)?;
        Some(field.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// A field whose place and size depend on the class: (offset, size) for 32 and 64 bits.
    fn field(&self, base: u64, narrow: (u64, u64), wide: (u64, u64)) -> Option<u64> {
        let (offset, size) = if self.wide { wide } else { narrow };
        self.number(base.checked_add(offset)?, size)
    }

    fn text(&self, at: u64) -> Option<&'a str> {
        let rest = self.bytes.get(usize::try_from(at).ok()?..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&rest[..end]).ok().filter(|text| !text.is_empty())
    }
}

struct Segment {
    kind: u64,
    offset: u64,
    address: u64,
    size: u64,
}

fn segments(elf: &Elf<'_>) -> Option<Vec<Segment>> {
    let table = elf.field(0, (28, 4), (32, 8))?;
    let entry_size = elf.field(0, (42, 2), (54, 2))?;
    let count = elf.field(0, (44, 2), (56, 2))?;
    (0..count)
        .map(|index| {
            let base = table.checked_add(index.checked_mul(entry_size)?)?;
            Some(Segment {
                kind: elf.number(base, 4)?,
                offset: elf.field(base, (4, 4), (8, 8))?,
                address: elf.field(base, (8, 4), (16, 8))?,
                size: elf.field(base, (16, 4), (32, 8))?,
            })
        })
        .collect()
}

fn read(file_name: &str, mode: u16, bytes: &[u8]) -> Option<Dependencies> {
    if !bytes.starts_with(MAGIC) || bytes.get(5) != Some(&1) {
        return None;
    }
    let elf = Elf { bytes, wide: bytes.get(4) == Some(&2) };
    let executable = mode & 0o111 != 0;
    let kind = elf.number(16, 2)?;
    if kind != ET_EXEC && kind != ET_DYN {
        return None;
    }
    let segments = segments(&elf)?;
    let dynamic = dynamic_section(&elf, &segments)?;
    let value = |tag: u64| dynamic.iter().find(|(found, _)| *found == tag).map(|(_, value)| *value);
    let place = |address: u64| file_offset(&segments, address);
    let strings = place(value(DT_STRTAB)?)?;
    let text = |offset: u64| elf.text(strings.checked_add(offset)?);

    let marker = if elf.wide { "(64bit)" } else { "" };
    let named = |soname: &str, version: &str| {
        if marker.is_empty() && version.is_empty() {
            soname.to_owned()
        } else {
            format!("{soname}({version}){marker}")
        }
    };
    let mut soname = value(DT_SONAME).and_then(text).map(str::to_owned);
    let mut found = Dependencies::default();
    if let (Some(at), Some(count)) = (value(DT_VERDEF).and_then(place), value(DT_VERDEFNUM)) {
        for (base, version) in
            definitions(&elf, at, count).into_iter().filter_map(|(base, name)| Some((base, text(name)?)))
        {
            if base {
                soname = Some(version.to_owned());
            } else if let Some(soname) = &soname {
                found.provides.push(named(soname, version));
            }
        }
    }
    let has_interpreter = segments.iter().any(|segment| segment.kind == PT_INTERP);
    if executable || !has_interpreter {
        if let (Some(at), Some(count)) = (value(DT_VERNEED).and_then(place), value(DT_VERNEEDNUM)) {
            let needs = needs(&elf, at, count).into_iter();
            found
                .requires
                .extend(needs.filter_map(|(library, version)| Some(named(text(library)?, text(version)?))));
        }
        let needed = dynamic.iter().filter(|(tag, _)| *tag == DT_NEEDED);
        found.requires.extend(needed.filter_map(|(_, name)| text(*name)).map(|library| named(library, "")));
        if executable && value(DT_GNU_HASH).is_some() && value(DT_HASH).is_none() {
            found.requires.push("rtld(GNU_HASH)".to_owned());
        }
    }
    if kind == ET_DYN && value(DT_DEBUG).is_none() {
        found.provides.push(named(soname.as_deref().unwrap_or(file_name), ""));
    }
    for list in [&mut found.provides, &mut found.requires] {
        list.sort();
        list.dedup();
    }
    Some(found)
}

fn dynamic_section(elf: &Elf<'_>, segments: &[Segment]) -> Option<Vec<(u64, u64)>> {
    let section = segments.iter().find(|segment| segment.kind == PT_DYNAMIC)?;
    let word: u64 = if elf.wide { 8 } else { 4 };
    let mut entries = Vec::new();
    for index in 0..section.size / (2 * word) {
        let at = section.offset.checked_add(index * 2 * word)?;
        match elf.number(at, word)? {
            0 => break,
            tag => entries.push((tag, elf.number(at + word, word)?)),
        }
    }
    Some(entries)
}

fn file_offset(segments: &[Segment], address: u64) -> Option<u64> {
    segments
        .iter()
        .find(|segment| {
            segment.kind == PT_LOAD && address >= segment.address && address - segment.address < segment.size
        })
        .and_then(|segment| segment.offset.checked_add(address - segment.address))
}

/// The version definitions: whether it is the file's own name, and the name's place among the strings.
fn definitions(elf: &Elf<'_>, mut at: u64, count: u64) -> Vec<(bool, u64)> {
    let mut found = Vec::new();
    for _ in 0..count {
        let Some((flags, name, next)) = definition(elf, at) else { break };
        found.push((flags & VER_FLG_BASE != 0, name));
        if next == 0 {
            break;
        }
        at += next;
    }
    found
}

fn definition(elf: &Elf<'_>, at: u64) -> Option<(u64, u64, u64)> {
    let first_name = at.checked_add(elf.number(at + 12, 4)?)?;
    Some((elf.number(at + 2, 2)?, elf.number(first_name, 4)?, elf.number(at + 16, 4)?))
}

/// The version needs: the library and the version, as places among the strings.
fn needs(elf: &Elf<'_>, mut at: u64, count: u64) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    for _ in 0..count {
        let read = |offset: u64, size: u64| elf.number(at + offset, size);
        let (Some(versions), Some(library), Some(first), Some(next)) =
            (read(2, 2), read(4, 4), read(8, 4), read(12, 4))
        else {
            break;
        };
        let mut version = at + first;
        for _ in 0..versions {
            let (Some(name), Some(step)) = (elf.number(version + 8, 4), elf.number(version + 12, 4)) else {
                break;
            };
            found.push((library, name));
            if step == 0 {
                break;
            }
            version += step;
        }
        if next == 0 {
            break;
        }
        at += next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_needs_libc_by_name_and_by_version() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let found = dependencies("program", 0o755, &program);
        assert!(found.requires.contains(&"libc.so.6()(64bit)".to_owned()), "{found:?}");
        assert!(found.requires.iter().any(|name| name.starts_with("libc.so.6(GLIBC_2.")), "{found:?}");
        assert_eq!(found.provides, Vec::<String>::new());
        assert_eq!(dependencies("program", 0o644, &program), Dependencies::default());
    }

    #[test]
    fn what_is_no_elf_file_or_is_cut_short_has_no_dependencies() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for bytes in [b"".as_slice(), b"#!/bin/sh\n", &program[..100], &program[..4096]] {
            let _ = dependencies("x", 0o755, bytes);
        }
        assert_eq!(dependencies("x", 0o755, b"#!/bin/sh\n"), Dependencies::default());
    }
}
