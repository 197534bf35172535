//! comps.xml: groups of packages, and environments of groups; what `@name` means.
//!
//! A name is looked up as dnf does: exactly, by id or by name, among groups and environments; if nothing has it
//! exactly, as a pattern without regard to case. A group stands for its mandatory, default and conditional packages.
//! A conditional one is wanted only beside another package, which is what the rich dependency `(name if other)` says,
//! so the solver needs nothing special. A member that no repository has is passed over, as dnf does: groups are
//! written for several releases at once.

use std::io::BufRead;

use super::error::{Error, Fault, quote};
use super::glob::Glob;
use super::tag::Tag;
use super::xml::{self, Text, Visitor};

/// The most groups, environments, or members of one.
const MOST: u64 = 1 << 16;

/// How much a group wants a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Always.
    Mandatory,
    /// Unless told otherwise.
    Default,
    /// Only when told so.
    Optional,
    /// Only beside the package named here.
    Conditional(String),
}

/// A package of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The package's name.
    pub name: String,
    /// How much it is wanted.
    pub wanted: Wanted,
}

impl Member {
    /// What to ask the solver for.
    pub fn request(&self) -> String {
        match &self.wanted {
            Wanted::Conditional(other) => format!("({} if {other})", self.name),
            _ => self.name.clone(),
        }
    }
}

/// Packages under one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// What it is found by.
    pub id: String,
    /// What people read.
    pub name: String,
    /// The packages, in the order of the file.
    pub members: Vec<Member>,
}

/// Groups under one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// What it is found by.
    pub id: String,
    /// What people read.
    pub name: String,
    /// The ids of the groups that belong to it.
    pub groups: Vec<String>,
    /// The ids of the groups that can be added to it.
    pub options: Vec<String>,
}

/// The groups and environments of one or more repositories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comps {
    groups: Vec<Group>,
    environments: Vec<Environment>,
}

impl Comps {
    /// Reads comps.xml as a stream; `input` is already decompressed.
    pub fn parse(repo: &str, input: impl BufRead) -> Result<Self, Error> {
        let mut reader = Reader::default();
        xml::read(repo, input, &mut reader)?;
        Ok(reader.comps)
    }

    /// The groups, in the order of the file.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The environments, in the order of the file.
    pub fn environments(&self) -> &[Environment] {
        &self.environments
    }

    /// Adds another repository's: groups of one id become one, with the members of both.
    pub fn merge(&mut self, other: Self) {
        other.groups.into_iter().for_each(|group| self.add_group(group));
        other.environments.into_iter().for_each(|environment| self.add_environment(environment));
    }

    /// The packages that `@pattern` stands for; `None` if no group and no environment is called so.
    pub fn expand(&self, pattern: &str) -> Option<Vec<Member>> {
        let groups = self.find(pattern)?;
        let mut members: Vec<Member> = Vec::new();
        for member in groups.into_iter().flat_map(|group| &group.members) {
            let new = member.wanted != Wanted::Optional && !members.contains(member);
            if new {
                members.push(member.clone());
            }
        }
        Some(members)
    }

    /// The groups that a pattern names, an environment's among them.
    fn find(&self, pattern: &str) -> Option<Vec<&Group>> {
        let exact = |id: &str, name: &str| id == pattern || name == pattern;
        let glob = Glob::ignoring_case(pattern);
        let like = |id: &str, name: &str| glob.matches(id) || glob.matches(name);
        self.select(exact).or_else(|| self.select(like))
    }

    fn select(&self, matches: impl Fn(&str, &str) -> bool) -> Option<Vec<&Group>> {
        let groups: Vec<&Group> =
            self.groups.iter().filter(|group| matches(&group.id, &group.name)).collect();
        let environments: Vec<&Environment> =
            self.environments.iter().filter(|found| matches(&found.id, &found.name)).collect();
        if groups.is_empty() && environments.is_empty() {
            return None;
        }
        let inner = environments.iter().flat_map(|environment| &environment.groups);
        let inner = inner.filter_map(|id| self.groups.iter().find(|group| group.id == *id));
        Some(inner.chain(groups.iter().copied()).collect())
    }

    fn add_group(&mut self, group: Group) {
        let Some(known) = self.groups.iter_mut().find(|known| known.id == group.id) else {
            return self.groups.push(group);
        };
        let new =
            group.members.into_iter().filter(|member| known.members.iter().all(|it| it.name != member.name));
        let new: Vec<Member> = new.collect();
        known.members.extend(new);
    }

    fn add_environment(&mut self, environment: Environment) {
        let Some(known) = self.environments.iter_mut().find(|known| known.id == environment.id) else {
            return self.environments.push(environment);
        };
        for (list, new) in
            [(&mut known.groups, environment.groups), (&mut known.options, environment.options)]
        {
            let new: Vec<String> = new.into_iter().filter(|id| !list.contains(id)).collect();
            list.extend(new);
        }
    }
}

#[derive(Default)]
struct Reader {
    comps: Comps,
    group: Group,
    environment: Environment,
    section: Section,
    list: String,
    wanted: Option<Wanted>,
    /// Whether the element has `xml:lang`: a translation.
    translated: bool,
}

/// The element at depth 2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    Group,
    Environment,
    /// One that is not read.
    #[default]
    Other,
}

impl Visitor for Reader {
    const ROOT: &'static str = "comps";
    const DOCUMENT: &'static str = "comps";

    fn open(&mut self, depth: usize, tag: &Tag<'_>) -> Result<(), Fault> {
        match (depth, tag.name()) {
            (2, name) => {
                self.section = match name {
                    "group" => Section::Group,
                    "environment" => Section::Environment,
                    _ => Section::Other,
                };
                self.group = Group::default();
                self.environment = Environment::default();
            }
            (3, name) => {
                name.clone_into(&mut self.list);
                self.translated = tag.attribute("xml:lang")?.is_some();
            }
            (4, "packagereq") => self.wanted = Some(wanted(tag)?),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, depth: usize, name: &str, text: Text<'_>) -> Result<(), Fault> {
        let (id, title) = match self.section {
            Section::Group => (&mut self.group.id, &mut self.group.name),
            Section::Environment => (&mut self.environment.id, &mut self.environment.name),
            Section::Other => return Ok(()),
        };
        match (depth, name) {
            (2, _) => return self.finish(),
            (3, "id") => *id = text.word()?.into_owned(),
            (3, "name") if !self.translated => *title = text.word()?.into_owned(),
            (4, "packagereq") => {
                let (name, wanted) =
                    (text.word()?.into_owned(), self.wanted.take().unwrap_or(Wanted::Mandatory));
                if !name.is_empty() {
                    self.group.members.push(Member { name, wanted });
                }
            }
            (4, "groupid") => {
                let options = self.list == "optionlist";
                let list = if options { &mut self.environment.options } else { &mut self.environment.groups };
                let id = text.word()?.into_owned();
                if !id.is_empty() {
                    list.push(id);
                }
            }
            _ => {}
        }
        self.count()
    }

    fn subject(&self) -> Option<String> {
        let (section, id) = match self.section {
            Section::Group => ("group", &self.group.id),
            Section::Environment => ("environment", &self.environment.id),
            Section::Other => return None,
        };
        if id.is_empty() { None } else { Some(format!("{section} `{}`", quote(id))) }
    }
}

impl Reader {
    fn finish(&mut self) -> Result<(), Fault> {
        let section = std::mem::take(&mut self.section);
        let (group, environment) = (std::mem::take(&mut self.group), std::mem::take(&mut self.environment));
        match section {
            Section::Group if group.id.is_empty() => return Err(Fault::Missing("id")),
            Section::Environment if environment.id.is_empty() => return Err(Fault::Missing("id")),
            Section::Group => self.comps.add_group(group),
            Section::Environment => self.comps.add_environment(environment),
            Section::Other => {}
        }
        Ok(())
    }

    fn count(&self) -> Result<(), Fault> {
        let lists = [
            self.comps.groups.len(),
            self.comps.environments.len(),
            self.group.members.len(),
            self.environment.groups.len(),
            self.environment.options.len(),
        ];
        if lists.into_iter().any(|length| length as u64 > MOST) {
            return Err(Fault::Count { what: "entries", limit: MOST });
        }
        Ok(())
    }
}

fn wanted(tag: &Tag<'_>) -> Result<Wanted, Fault> {
    match tag.attribute("type")?.as_deref() {
        None | Some("mandatory") => Ok(Wanted::Mandatory),
        Some("default") => Ok(Wanted::Default),
        Some("optional") => Ok(Wanted::Optional),
        Some("conditional") => {
            let other = tag.attribute("requires")?.filter(|name| !name.is_empty());
            Ok(other.map_or(Wanted::Mandatory, |name| Wanted::Conditional(name.into_owned())))
        }
        Some(other) => Err(Fault::Word { field: "packagereq type", value: quote(other) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
  <group><id>buildsys-build</id><name>Build System</name><name xml:lang="de">Bausystem</name>
    <description>What a build
needs</description><default>true</default>
    <packagelist>
      <packagereq type="mandatory">bash</packagereq><packagereq type="default">gcc</packagereq>
      <packagereq type="optional">gdb</packagereq><packagereq>make</packagereq>
      <packagereq type="conditional" requires="gcc">libgomp</packagereq>
    </packagelist></group>
  <group><id>core</id><name>Core</name><packagelist><packagereq>bash</packagereq></packagelist></group>
  <category><id>apps</id><name>Apps</name><grouplist><groupid>core</groupid></grouplist></category>
  <environment><id>minimal</id><name>Minimal Install</name>
    <grouplist><groupid>core</groupid><groupid>missing</groupid></grouplist>
    <optionlist><groupid default="true">buildsys-build</groupid></optionlist></environment>
  <langpacks><match name="a" install="b"/></langpacks>
</comps>"#;

    fn requests(comps: &Comps, pattern: &str) -> Option<Vec<String>> {
        Some(comps.expand(pattern)?.iter().map(Member::request).collect())
    }

    #[test]
    fn a_group_stands_for_its_mandatory_default_and_conditional_packages() {
        let comps = Comps::parse("clay", COMPS.as_bytes()).unwrap();
        let build = Some(["bash", "gcc", "make", "(libgomp if gcc)"].map(str::to_owned).to_vec());
        for pattern in ["buildsys-build", "Build System", "build*", "BUILD sys*"] {
            assert_eq!(requests(&comps, pattern), build, "{pattern}");
        }
        assert_eq!(requests(&comps, "minimal"), Some(vec!["bash".to_owned()]));
        for pattern in ["Bausystem", "apps", "Core2", "build"] {
            assert_eq!(requests(&comps, pattern), None, "{pattern}");
        }
        assert_eq!(comps.environments()[0].options, ["buildsys-build"]);
    }

    #[test]
    fn groups_of_one_id_become_one() {
        let mut comps = Comps::parse("clay", COMPS.as_bytes()).unwrap();
        let more = COMPS.replace(">gcc<", ">clang<");
        comps.merge(Comps::parse("more", more.as_bytes()).unwrap());
        assert_eq!(comps.groups().len(), 2);
        let names = ["bash", "gcc", "make", "(libgomp if gcc)", "clang"].map(str::to_owned).to_vec();
        assert_eq!(requests(&comps, "buildsys-build"), Some(names));
    }

    #[test]
    fn what_is_not_comps_is_refused_by_name() {
        let refused = |from: &str, to: &str| {
            Comps::parse("clay", COMPS.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
        };
        insta::assert_snapshot!([
            refused("<id>core</id>", ""),
            refused("\"optional\"", "\"sometimes\""),
            refused(">gdb<", ">g\ndb<"),
            refused("\"comps.dtd\">", "\"comps.dtd\" [<!ENTITY a \"b\">]>"),
            refused(">gdb<", ">&a;<"),
        ].join("\n"), @r"
    comps of repository `clay`, element `group`: no id
    comps of repository `clay`, group `buildsys-build`, element `packagereq`: packagereq type is `sometimes`, which the format does not know
    comps of repository `clay`, group `buildsys-build`, element `packagereq`: a control character in `g\ndb`
    comps of repository `clay`: a document type with declarations of its own, which could expand entities
    comps of repository `clay`, group `buildsys-build`, element `packagereq`: a reference to entity `a`, which XML does not define
    ");
    }
}
