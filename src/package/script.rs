//! Scriptlets, triggers and file triggers.

use crate::package::header::{Header, HeaderError};
use crate::package::relation::{Relation, RelationFlags};
use crate::package::tag::Tag;
use crate::package::values::{counted, counted_or};

type Result<T> = std::result::Result<T, HeaderError>;

/// When a scriptlet runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptletKind {
    /// `%pretrans`
    PreTrans,
    /// `%pre`
    PreIn,
    /// `%post`
    PostIn,
    /// `%preun`
    PreUn,
    /// `%postun`
    PostUn,
    /// `%posttrans`
    PostTrans,
    /// `%preuntrans`
    PreUnTrans,
    /// `%postuntrans`
    PostUnTrans,
    /// `%verifyscript`
    Verify,
}

/// Kind, name in a spec file, and the tags of body, program and flags.
const SCRIPTLETS: &[(ScriptletKind, &str, [Tag; 3])] = &[
    (ScriptletKind::PreTrans, "%pretrans", [Tag::PRETRANS, Tag::PRETRANSPROG, Tag::PRETRANSFLAGS]),
    (ScriptletKind::PreIn, "%pre", [Tag::PREIN, Tag::PREINPROG, Tag::PREINFLAGS]),
    (ScriptletKind::PostIn, "%post", [Tag::POSTIN, Tag::POSTINPROG, Tag::POSTINFLAGS]),
    (ScriptletKind::PreUn, "%preun", [Tag::PREUN, Tag::PREUNPROG, Tag::PREUNFLAGS]),
    (ScriptletKind::PostUn, "%postun", [Tag::POSTUN, Tag::POSTUNPROG, Tag::POSTUNFLAGS]),
    (ScriptletKind::PostTrans, "%posttrans", [Tag::POSTTRANS, Tag::POSTTRANSPROG, Tag::POSTTRANSFLAGS]),
    (ScriptletKind::PreUnTrans, "%preuntrans", [Tag::PREUNTRANS, Tag::PREUNTRANSPROG, Tag::PREUNTRANSFLAGS]),
    (
        ScriptletKind::PostUnTrans,
        "%postuntrans",
        [Tag::POSTUNTRANS, Tag::POSTUNTRANSPROG, Tag::POSTUNTRANSFLAGS],
    ),
    (
        ScriptletKind::Verify,
        "%verifyscript",
        [Tag::VERIFYSCRIPT, Tag::VERIFYSCRIPTPROG, Tag::VERIFYSCRIPTFLAGS],
    ),
];

impl ScriptletKind {
    /// As a spec file writes it: `%pre`.
    pub fn name(self) -> &'static str {
        SCRIPTLETS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }
}

/// Who runs a script, what, and how its text is prepared.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Script {
    /// The program and its first arguments; `<lua>` is rpm's own interpreter.
    pub program: Vec<String>,
    /// The text; without one the program runs alone. A trigger without text has an empty one, as in rpm.
    pub body: Option<String>,
    /// `-e` (bit 0) and `-q` (bit 1).
    pub flags: u32,
}

impl Script {
    /// `-e`: rpm macros in the text are expanded first.
    pub fn expands_macros(&self) -> bool {
        self.flags & 1 != 0
    }

    /// `-q`: the text is a query format, expanded over the package's header first.
    pub fn expands_header(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Whether the embedded Lua interpreter runs it.
    pub fn is_lua(&self) -> bool {
        self.program.first().is_some_and(|program| program == "<lua>")
    }

    fn new(program: Vec<String>, body: Option<&str>, flags: u32) -> Self {
        let program = if program.is_empty() { vec!["/bin/sh".to_owned()] } else { program };
        Self { program, body: body.map(str::to_owned), flags }
    }
}

/// A scriptlet of a package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scriptlet {
    /// When it runs.
    pub kind: ScriptletKind,
    /// What runs.
    pub script: Script,
}

/// What a trigger watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerFamily {
    /// Packages by name: `%triggerin` and its kin.
    Package,
    /// Files by the beginning of their path, once for each package: `%filetriggerin` and its kin.
    File,
    /// Files by the beginning of their path, once for the transaction: `%transfiletriggerin` and its kin.
    Transaction,
}

/// The tags of a family.
struct TriggerTags {
    /// Names, flags and versions of the conditions.
    conditions: [Tag; 3],
    /// Each condition's trigger.
    index: Tag,
    /// Texts, programs and flags of the triggers.
    scripts: [Tag; 3],
    priorities: Option<Tag>,
}

impl TriggerFamily {
    fn tags(self) -> TriggerTags {
        match self {
            Self::Package => TriggerTags {
                conditions: [Tag::TRIGGERNAME, Tag::TRIGGERFLAGS, Tag::TRIGGERVERSION],
                index: Tag::TRIGGERINDEX,
                scripts: [Tag::TRIGGERSCRIPTS, Tag::TRIGGERSCRIPTPROG, Tag::TRIGGERSCRIPTFLAGS],
                priorities: None,
            },
            Self::File => TriggerTags {
                conditions: [Tag::FILETRIGGERNAME, Tag::FILETRIGGERFLAGS, Tag::FILETRIGGERVERSION],
                index: Tag::FILETRIGGERINDEX,
                scripts: [Tag::FILETRIGGERSCRIPTS, Tag::FILETRIGGERSCRIPTPROG, Tag::FILETRIGGERSCRIPTFLAGS],
                priorities: Some(Tag::FILETRIGGERPRIORITIES),
            },
            Self::Transaction => TriggerTags {
                conditions: [
                    Tag::TRANSFILETRIGGERNAME,
                    Tag::TRANSFILETRIGGERFLAGS,
                    Tag::TRANSFILETRIGGERVERSION,
                ],
                index: Tag::TRANSFILETRIGGERINDEX,
                scripts: [
                    Tag::TRANSFILETRIGGERSCRIPTS,
                    Tag::TRANSFILETRIGGERSCRIPTPROG,
                    Tag::TRANSFILETRIGGERSCRIPTFLAGS,
                ],
                priorities: Some(Tag::TRANSFILETRIGGERPRIORITIES),
            },
        }
    }
}

/// The priority of a file trigger that names none; at and above 10,000 it runs before `%post`.
pub const DEFAULT_TRIGGER_PRIORITY: u32 = 1_000_000;

/// A trigger: one script and what makes it run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trigger {
    /// Its number among the package's triggers of its family.
    pub index: usize,
    /// Names or path prefixes; the flags have `TRIGGERIN`, `TRIGGERUN`, `TRIGGERPOSTUN` or `TRIGGERPREIN`.
    pub conditions: Vec<Relation>,
    /// The place of each condition in the header, where those of all triggers are one list.
    pub places: Vec<usize>,
    /// What runs.
    pub script: Script,
    /// Higher runs first; only file triggers have one.
    pub priority: u32,
}

impl Trigger {
    /// Whether any condition is of this kind (`RelationFlags::TRIGGERIN` and its kin).
    pub fn runs_on(&self, kind: RelationFlags) -> bool {
        self.conditions.iter().any(|condition| condition.flags.any(kind))
    }
}

impl Header<'_> {
    /// The package's scriptlets.
    pub fn scriptlets(&self) -> Result<Vec<Scriptlet>> {
        let mut scriptlets = Vec::new();
        for (kind, _, [body, program, flags]) in SCRIPTLETS {
            if !self.has(*body) && !self.has(*program) {
                continue;
            }
            let program = self.strings(*program)?.into_iter().map(str::to_owned).collect();
            let script = Script::new(program, self.string(*body)?, self.u32(*flags)?.unwrap_or(0));
            scriptlets.push(Scriptlet { kind: *kind, script });
        }
        Ok(scriptlets)
    }

    /// The package's triggers of one family.
    pub fn triggers(&self, family: TriggerFamily) -> Result<Vec<Trigger>> {
        let TriggerTags { conditions, index, scripts: [body, program, flags], priorities } = family.tags();
        let conditions = self.relation_lists(conditions)?;
        let indexes = counted(index, conditions.len(), self.u32s(index)?)?;
        let programs = self.strings(program)?;
        let bodies = counted_or(body, programs.len(), self.strings(body)?, "")?;
        let flags = counted_or(flags, programs.len(), self.u32s(flags)?, 0)?;
        let priorities = match priorities {
            Some(tag) => counted_or(tag, programs.len(), self.u32s(tag)?, DEFAULT_TRIGGER_PRIORITY)?,
            None => vec![DEFAULT_TRIGGER_PRIORITY; programs.len()],
        };
        let mut triggers = Vec::with_capacity(programs.len());
        for (at, program) in programs.into_iter().enumerate() {
            let script = Script::new(vec![program.to_owned()], Some(bodies[at]), flags[at]);
            triggers.push(Trigger {
                index: at,
                conditions: Vec::new(),
                places: Vec::new(),
                script,
                priority: priorities[at],
            });
        }
        for (place, (condition, at)) in conditions.into_iter().zip(indexes).enumerate() {
            let value = at.to_string();
            let trigger = triggers.get_mut(at as usize).ok_or(HeaderError::Value { tag: index, value })?;
            trigger.conditions.push(condition);
            trigger.places.push(place);
        }
        Ok(triggers)
    }
}
