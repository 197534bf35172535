//! Query formats: what `rpm --queryformat` understands, as far as scriptlets with `-q` use it. Values are shown as they
//! are; what rpm shows of a value in another form (`%{…:date}`) and its conditions (`%|…|`) are refused.

use crate::package::header::{Header, HeaderError};
use crate::package::tag::{Tag, Type};

/// A format that cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It is not one.
    #[error("the query format is wrong: {0}")]
    Format(&'static str),
    /// It asks for a tag that kiln does not know.
    #[error("the query format asks for `{0}`, which kiln does not know")]
    Tag(String),
    /// A value cannot be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

type Result<T> = std::result::Result<T, QueryError>;

enum Item {
    Text(String),
    Value { name: String, width: isize, once: bool },
    List(Vec<Item>),
}

/// What rpm shows for a tag that the package does not have.
const NONE: &str = "(none)";

/// Expands a format over a header.
pub fn expand(header: &Header<'_>, format: &str) -> Result<String> {
    let mut rest = format;
    let items = items(&mut rest, Place::Outside)?;
    let mut text = String::new();
    for item in &items {
        write(header, item, &mut text)?;
    }
    Ok(text)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    List,
}

fn items(rest: &mut &str, place: Place) -> Result<Vec<Item>> {
    let mut found = Vec::new();
    let mut text = String::new();
    while let Some(letter) = take(rest) {
        match letter {
            '\\' => text.extend(take(rest).map(escaped)),
            '%' if rest.starts_with('%') => text.extend(take(rest)),
            '%' => {
                found.push(Item::Text(std::mem::take(&mut text)));
                found.push(value(rest)?);
            }
            '[' if place == Place::List => return Err(QueryError::Format("a list in a list")),
            '[' => {
                found.push(Item::Text(std::mem::take(&mut text)));
                found.push(Item::List(items(rest, Place::List)?));
            }
            ']' if place == Place::List => {
                found.push(Item::Text(text));
                return Ok(found);
            }
            ']' => return Err(QueryError::Format("a `]` without `[`")),
            '}' => return Err(QueryError::Format("a `}` without `{`")),
            letter => text.push(letter),
        }
    }
    if place == Place::List {
        return Err(QueryError::Format("a `[` without `]`"));
    }
    found.push(Item::Text(text));
    Ok(found)
}

fn take(rest: &mut &str) -> Option<char> {
    let mut letters = rest.chars();
    let letter = letters.next();
    *rest = letters.as_str();
    letter
}

fn escaped(letter: char) -> char {
    match letter {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        other => other,
    }
}

/// What follows a `%`: a width, and a tag in braces.
fn value(rest: &mut &str) -> Result<Item> {
    let (width, after) = rest.split_once('{').ok_or(QueryError::Format("a `%` without `{`"))?;
    let (inner, after) = after.split_once('}').ok_or(QueryError::Format("a `{` without `}`"))?;
    *rest = after;
    let width = match width {
        "" => 0,
        digits => digits.parse().map_err(|_| QueryError::Format("a width that is no number"))?,
    };
    if inner.contains([':', '?', '|']) {
        return Err(QueryError::Format("values in other forms are not supported"));
    }
    let (once, name) = inner.strip_prefix('=').map_or((false, inner), |name| (true, name));
    Ok(Item::Value { name: name.to_owned(), width, once })
}

fn write(header: &Header<'_>, item: &Item, text: &mut String) -> Result<()> {
    match item {
        Item::Text(literal) => text.push_str(literal),
        Item::Value { name, width, .. } => pad(values(header, name)?.first(), *width, text),
        Item::List(items) => list(header, items, text)?,
    }
    Ok(())
}

/// Repeats a list for every value of the tags in it, which must have equally many.
fn list(header: &Header<'_>, items: &[Item], text: &mut String) -> Result<()> {
    let mut columns = Vec::with_capacity(items.len());
    let mut rows: Option<usize> = None;
    for item in items {
        let Item::Value { name, once, .. } = item else {
            columns.push(Vec::new());
            continue;
        };
        let found = values(header, name)?;
        if !once && !found.is_empty() {
            if rows.is_some_and(|rows| rows > 1 && rows != found.len()) {
                return Err(QueryError::Format("a list of tags with different numbers of values"));
            }
            rows = rows.max(Some(found.len()));
        }
        columns.push(found);
    }
    let Some(rows) = rows else {
        text.push_str(NONE);
        return Ok(());
    };
    for row in 0..rows {
        for (item, column) in items.iter().zip(&columns) {
            match item {
                Item::Text(literal) => text.push_str(literal),
                Item::Value { width, once, .. } => pad(column.get(if *once { 0 } else { row }), *width, text),
                Item::List(_) => {}
            }
        }
    }
    Ok(())
}

fn pad(value: Option<&String>, width: isize, text: &mut String) {
    let value = value.map_or(NONE, String::as_str);
    let count = width.unsigned_abs();
    let padded = if width < 0 { format!("{value:<count$}") } else { format!("{value:>count$}") };
    text.push_str(&padded);
}

/// The values of a tag as text; of a translated one the original.
fn values(header: &Header<'_>, name: &str) -> Result<Vec<String>> {
    let short =
        name.get(..7).filter(|start| start.eq_ignore_ascii_case("RPMTAG_")).map_or(name, |_| &name[7..]);
    if let Some(found) = made_up(header, &short.to_ascii_uppercase())? {
        return Ok(found);
    }
    let tag = Tag::named(short).ok_or_else(|| QueryError::Tag(name.to_owned()))?;
    let Some(entry) = header.entry(tag) else { return Ok(Vec::new()) };
    let numbers = |list: Vec<u64>| list.iter().map(u64::to_string).collect();
    let wide = |list: Vec<u32>| numbers(list.into_iter().map(u64::from).collect());
    Ok(match entry.kind {
        Type::I18nString => header.string(tag)?.map(str::to_owned).into_iter().collect(),
        Type::String | Type::StringArray => header.strings(tag)?.into_iter().map(str::to_owned).collect(),
        Type::Int16 => numbers(header.u16s(tag)?.into_iter().map(u64::from).collect()),
        Type::Int32 => wide(header.u32s(tag)?),
        Type::Int64 => numbers(header.u64s(tag)?),
        Type::Char | Type::Int8 => numbers(header.raw(entry).iter().map(|byte| u64::from(*byte)).collect()),
        Type::Binary => {
            vec![header.raw(entry).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))]
        }
    })
}

/// Tags that no header has and rpm makes of others.
fn made_up(header: &Header<'_>, name: &str) -> Result<Option<Vec<String>>> {
    let nevra = header.nevra()?;
    let (package, version, release) = (&nevra.name, &nevra.evr.version, &nevra.evr.release);
    let epoch = header.u32(Tag::EPOCH)?;
    let evr = epoch.map_or(String::new(), |epoch| format!("{epoch}:")) + &format!("{version}-{release}");
    Ok(Some(match name {
        "NVR" => vec![format!("{package}-{version}-{release}")],
        "NVRA" => vec![format!("{package}-{version}-{release}.{}", nevra.arch)],
        "EVR" => vec![evr],
        "NEVR" => vec![format!("{package}-{evr}")],
        "NEVRA" => vec![format!("{package}-{evr}.{}", nevra.arch)],
        "EPOCHNUM" => vec![epoch.unwrap_or(0).to_string()],
        "FILENAMES" => header.files()?.iter().map(|file| file.path.to_string()).collect(),
        _ => return Ok(None),
    }))
}
