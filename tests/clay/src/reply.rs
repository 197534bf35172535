//! What a request is answered: which file, which part of it, or why not.

use std::fs::File;
use std::path::{Component, Path};
use std::time::{Duration, UNIX_EPOCH};

use crate::fault::Trouble;
use crate::http::{self, Head, Span};

/// A reply before it is sent.
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: u16,
    /// The headers but those of the transport.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The file, and from where to where.
    pub(crate) body: Option<(File, u64, u64)>,
}

impl Reply {
    fn bare(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }
}

/// Decides what a request is answered.
pub(crate) fn reply(head: &Head, root: &Path, trouble: Option<Trouble>) -> Reply {
    if let Some(Trouble::Status(status)) = trouble {
        return Reply::bare(status);
    }
    if head.method != "GET" && head.method != "HEAD" {
        return Reply::bare(405);
    }
    find(root, &head.path).map_or(Reply::bare(404), |(file, size, modified)| {
        let tag = format!("\"{size:x}-{:x}\"", modified.as_nanos());
        let date = http::date(modified.as_secs());
        let headers = vec![
            ("ETag", tag.clone()),
            ("Last-Modified", date.clone()),
            ("Accept-Ranges", "bytes".to_owned()),
        ];
        let unchanged = match (head.header("if-none-match"), head.header("if-modified-since")) {
            (Some(tags), _) => tags.split(',').any(|found| found.trim() == tag || found.trim() == "*"),
            (None, Some(since)) => http::parse_date(since).is_some_and(|since| modified.as_secs() <= since),
            (None, None) => false,
        };
        if unchanged {
            return Reply { status: 304, headers, body: None };
        }
        let same = head.header("if-range").is_none_or(|found| found == tag || found == date);
        let range = head.header("range").filter(|_| same && trouble != Some(Trouble::NoRange));
        part(file, size, http::span(range, size), headers)
    })
}

fn part(file: File, size: u64, span: Span, mut headers: Vec<(&'static str, String)>) -> Reply {
    match span {
        Span::Whole => Reply { status: 200, headers, body: Some((file, 0, size)) },
        Span::Part(from, to) => {
            headers.push(("Content-Range", format!("bytes {from}-{}/{size}", to - 1)));
            Reply { status: 206, headers, body: Some((file, from, to)) }
        }
        Span::Unsatisfiable => {
            headers.push(("Content-Range", format!("bytes */{size}")));
            Reply { status: 416, headers, body: None }
        }
    }
}

fn find(root: &Path, path: &str) -> Option<(File, u64, Duration)> {
    let relative = Path::new(path.trim_start_matches('/'));
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let file = File::open(root.join(relative)).ok()?;
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((file, metadata.len(), modified))
}

/// The words that go with a status.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        304 => "Not Modified",
        404 => "Not Found",
        405 => "Method Not Allowed",
        416 => "Range Not Satisfiable",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
