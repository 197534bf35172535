//! The little of HTTP/1.1 that a package mirror needs: request heads, ranges, dates.

use std::io::BufRead;

/// The longest request head that is read.
const HEAD_LIMIT: usize = 64 * 1024;

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// `GET` or another.
    pub method: String,
    /// The path, decoded, without the query.
    pub path: String,
    headers: Vec<(String, String)>,
    version: String,
}

impl Head {
    /// Reads a head; nothing at the end of the connection or if it is no HTTP.
    pub fn read(input: &mut impl BufRead) -> Option<Self> {
        let mut lines = Vec::new();
        let mut read = 0;
        loop {
            let mut line = String::new();
            read += input.read_line(&mut line).ok().filter(|count| *count > 0)?;
            let line = line.trim_end();
            match (line.is_empty(), lines.is_empty()) {
                _ if read > HEAD_LIMIT => return None,
                (true, true) => {}
                (true, false) => break,
                _ => lines.push(line.to_owned()),
            }
        }
        let mut words = lines[0].split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        let path = target.split('?').next()?;
        let header = |line: &String| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Some(Self {
            method: method.to_owned(),
            path: percent_decode(path)?,
            headers: lines[1..].iter().filter_map(header).collect(),
            version: version.to_owned(),
        })
    }

    /// A header's value, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether the client will ask again on the same connection.
    pub fn keeps_alive(&self) -> bool {
        match self.header("connection") {
            Some(value) if value.eq_ignore_ascii_case("close") => false,
            Some(value) if value.eq_ignore_ascii_case("keep-alive") => true,
            _ => self.version == "HTTP/1.1",
        }
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What a `Range` header comes to for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The whole file: no range, or one that is not understood.
    Whole,
    /// From the first byte to just before the last.
    Part(u64, u64),
    /// Nothing of the file is in it.
    Unsatisfiable,
}

/// Reads a `Range` header for a file of some size.
pub fn span(header: Option<&str>, size: u64) -> Span {
    let range =
        header.and_then(|header| header.strip_prefix("bytes=")).and_then(|range| range.split_once('-'));
    let Some((from, to)) = range else { return Span::Whole };
    match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) if from > to => Span::Whole,
        (Ok(from), _) if from >= size && (to.is_empty() || to.parse::<u64>().is_ok()) => Span::Unsatisfiable,
        (Ok(from), Ok(to)) => Span::Part(from, size.min(to.saturating_add(1))),
        (Ok(from), Err(_)) if to.is_empty() => Span::Part(from, size),
        (Err(_), Ok(0)) if from.is_empty() => Span::Unsatisfiable,
        (Err(_), Ok(last)) if from.is_empty() => Span::Part(size.saturating_sub(last), size),
        _ => Span::Whole,
    }
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970 as HTTP writes a date.
pub fn date(seconds: u64) -> String {
    let days = seconds / 86400;
    let (mut year, mut day) = (1970, days);
    while day >= year_length(year) {
        day -= year_length(year);
        year += 1;
    }
    let mut month = 0;
    while day >= month_length(year, month) {
        day -= month_length(year, month);
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let (name, month) = (DAYS[(days % 7) as usize], MONTHS[month]);
    format!("{name}, {:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT", day + 1)
}

/// Seconds since 1970 of a date that HTTP wrote.
pub fn parse_date(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let month = MONTHS.iter().position(|name| name == month)?;
    let clock: Vec<u64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour, minute, second] = clock.as_slice() else { return None };
    if !(1970..=9999).contains(&year) {
        return None;
    }
    let days = (1970..year).map(year_length).sum::<u64>()
        + (0..month).map(|month| month_length(year, month)).sum::<u64>()
        + day.checked_sub(1)?;
    Some(days * 86400 + hour * 3600 + minute * 60 + second)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn year_length(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn month_length(year: u64, month: usize) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_the_file() {
        for (header, expected) in [
            (None, Span::Whole),
            (Some("bytes=0-9"), Span::Part(0, 10)),
            (Some("bytes=5-"), Span::Part(5, 100)),
            (Some("bytes=-5"), Span::Part(95, 100)),
            (Some("bytes=-500"), Span::Part(0, 100)),
            (Some("bytes=90-500"), Span::Part(90, 100)),
            (Some("bytes=100-"), Span::Unsatisfiable),
            (Some("bytes=100-200"), Span::Unsatisfiable),
            (Some("bytes=-0"), Span::Unsatisfiable),
            (Some("bytes=9-5"), Span::Whole),
            (Some("bytes=0-1,5-6"), Span::Whole),
            (Some("lines=0-1"), Span::Whole),
            (Some("bytes=x"), Span::Whole),
        ] {
            assert_eq!(span(header, 100), expected, "{header:?}");
        }
    }

    #[test]
    fn a_date_goes_there_and_back() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_709_210_096, "Thu, 29 Feb 2024 12:34:56 GMT"),
        ] {
            assert_eq!(date(seconds), text);
            assert_eq!(parse_date(text), Some(seconds));
        }
        assert_eq!(parse_date("yesterday"), None);
    }

    #[test]
    fn a_request_head_is_read_up_to_its_empty_line() {
        let mut text =
            b"GET /a%20b+c?q HTTP/1.1\r\nRange: bytes=1-\r\nConnection: close\r\n\r\nrest".as_slice();
        let head = Head::read(&mut text).unwrap();
        assert_eq!((head.method.as_str(), head.path.as_str()), ("GET", "/a b+c"));
        assert_eq!(head.header("range"), Some("bytes=1-"));
        assert!(!head.keeps_alive());
        assert_eq!(text, b"rest");
        assert_eq!(Head::read(&mut b"".as_slice()), None);
        assert_eq!(Head::read(&mut b"nonsense\r\n\r\n".as_slice()), None);
    }
}
