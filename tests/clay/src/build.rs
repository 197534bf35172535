//! A recipe becomes an RPM file: the same recipe always the same bytes, but for the signature.

use rpm::{
    BuildConfig, CompressionWithLevel, Dependency, FileFlags, FileOptions, FileOptionsBuilder, HeaderEntry,
    IndexData, IndexTag, Package, PackageBuilder, SignatureHeaderBuilder, Timestamp,
};

use crate::error::Error;
use crate::key::Key;
use crate::recipe::{Content, DEFAULT_PRIORITY, File, On, Payload, Phase, Recipe, Relates, Trigger};

/// Builds and signs; the result is the RPM file's bytes.
pub fn build(recipe: Recipe, key: &Key) -> Result<Vec<u8>, Error> {
    let name = recipe.name.clone();
    let date = recipe.date;
    let amendments = Amendments::of(&recipe);
    let mut package = assemble(recipe).map_err(Error::rpm(&name))?;
    amendments.apply(&mut package).map_err(Error::rpm(&name))?;
    key.sign_package(&mut package, date)?;
    let mut bytes = Vec::with_capacity(package.payload.len() + 65536);
    package.write(&mut bytes).map_err(Error::rpm(&name))?;
    Ok(bytes)
}

fn assemble(recipe: Recipe) -> Result<Package, rpm::Error> {
    let mut builder = PackageBuilder::new(
        &recipe.name,
        &recipe.version.version,
        "see copyright",
        recipe.arch,
        &recipe.summary,
    );
    builder
        .using_config(BuildConfig::v4().compression(compression(recipe.payload)).source_date(recipe.date))
        .release(recipe.version.release())
        .description(recipe.description)
        .group("Unspecified")
        .vendor("Clay")
        .build_host("clay.invalid")
        .default_dir_attrs(None, None, None);
    if let Some(epoch) = recipe.version.epoch {
        builder.epoch(epoch);
    }
    if let Some(url) = recipe.url {
        builder.url(url);
    }
    for (path, file) in recipe.files {
        add_file(&mut builder, &path, file)?;
    }
    for (kind, dependency) in recipe.relations {
        match kind {
            Relates::Provides => builder.provides(dependency),
            Relates::Requires => builder.requires(dependency),
            Relates::Conflicts => builder.conflicts(dependency),
            Relates::Obsoletes => builder.obsoletes(dependency),
            Relates::Recommends => builder.recommends(dependency),
            Relates::Supplements => builder.supplements(dependency),
        };
    }
    for (phase, script) in recipe.scripts {
        match phase {
            Phase::PreTrans => builder.pre_trans_script(script),
            Phase::Pre => builder.pre_install_script(script),
            Phase::Post => builder.post_install_script(script),
            Phase::PreUn => builder.pre_uninstall_script(script),
            Phase::PostUn => builder.post_uninstall_script(script),
            Phase::PostTrans => builder.post_trans_script(script),
        };
    }
    for trigger in recipe.triggers {
        match trigger.on {
            On::Package => builder.trigger_in(trigger.target, None, trigger.script),
            On::File => builder.file_trigger_in(trigger.target, None, trigger.script),
            On::Transaction => builder.trans_file_trigger_in(trigger.target, None, trigger.script),
            On::TransactionRemoval => builder.trans_file_trigger_postun(trigger.target, None, trigger.script),
        };
    }
    builder.build()
}

fn compression(payload: Payload) -> CompressionWithLevel {
    match payload {
        Payload::Zstd => CompressionWithLevel::Zstd(3),
        Payload::Xz => CompressionWithLevel::Xz(2),
        Payload::Gzip => CompressionWithLevel::Gzip(6),
        Payload::Bzip2 => CompressionWithLevel::Bzip2(9),
        Payload::Plain => CompressionWithLevel::None,
    }
}

fn add_file(builder: &mut PackageBuilder, path: &str, file: File) -> Result<(), rpm::Error> {
    let ghost = file.flags.contains(FileFlags::GHOST);
    let options = match &file.content {
        Content::Directory if ghost => FileOptions::ghost_dir(path),
        Content::Directory => FileOptions::dir(path),
        Content::Symlink(target) => FileOptions::symlink(path, target),
        Content::Bytes(_) if ghost => FileOptions::ghost(path),
        Content::Bytes(_) => FileOptions::new(path),
    };
    let options = attributes(options, &file)?;
    match file.content {
        _ if ghost => builder.with_ghost(options)?,
        Content::Directory => builder.with_dir_entry(options)?,
        Content::Symlink(_) => builder.with_symlink(options)?,
        Content::Bytes(bytes) => builder.with_file_contents(bytes, options)?,
    };
    Ok(())
}

/// One more attribute.
type Apply = fn(FileOptionsBuilder) -> FileOptionsBuilder;

fn attributes(options: FileOptionsBuilder, file: &File) -> Result<FileOptionsBuilder, rpm::Error> {
    let flags: [(FileFlags, Apply); 6] = [
        (FileFlags::CONFIG, FileOptionsBuilder::config),
        (FileFlags::NOREPLACE, FileOptionsBuilder::noreplace),
        (FileFlags::MISSINGOK, FileOptionsBuilder::missingok),
        (FileFlags::DOC, FileOptionsBuilder::doc),
        (FileFlags::LICENSE, FileOptionsBuilder::license),
        (FileFlags::GHOST, FileOptionsBuilder::ghost),
    ];
    let mut options = options
        .user(&file.user)
        .group(&file.group)
        .modified_at(Timestamp::from(file.mtime))
        .verify(file.verify);
    if !matches!(file.content, Content::Symlink(_)) {
        options = options.permissions(file.mode);
    }
    for (flag, apply) in flags {
        if file.flags.contains(flag) {
            options = apply(options);
        }
    }
    if let Some(language) = &file.language {
        options = options.language(language);
    }
    if let Some(capabilities) = file.capabilities {
        options = options.caps(capabilities)?;
    }
    if let Some(identity) = &file.hardlink {
        options = options.hardlink(identity);
    }
    Ok(options)
}

/// What the builder cannot say yet: the header is rewritten for it.
struct Amendments {
    /// The priorities of the transaction file triggers, in order.
    priorities: Vec<u32>,
    /// Whether a scriptlet is in Lua: the builder then requires a program called `<lua>`, and rpm a feature of its own.
    lua: bool,
}

impl Amendments {
    fn of(recipe: &Recipe) -> Self {
        let at_end = |trigger: &&Trigger| matches!(trigger.on, On::Transaction | On::TransactionRemoval);
        Self {
            priorities: recipe.triggers.iter().filter(at_end).map(|trigger| trigger.priority).collect(),
            lua: recipe
                .scripts
                .iter()
                .any(|(_, script)| script.program.as_ref().is_some_and(|words| words[0] == LUA)),
        }
    }

    fn apply(&self, package: &mut Package) -> Result<(), rpm::Error> {
        if !self.lua && self.priorities.iter().all(|priority| *priority == DEFAULT_PRIORITY) {
            return Ok(());
        }
        let requires = self.lua.then(|| requires_with_lua(package)).transpose()?;
        let entries = package.metadata.header.get_all_entries()?.into_iter().filter_map(|(tag, data)| {
            let replaced = requires
                .iter()
                .flatten()
                .find(|(found, _)| *found as u32 == tag)
                .map(|(_, data)| data.clone());
            let data = match tag {
                REGION => return None,
                PRIORITIES => IndexData::Int32(self.priorities.clone()),
                _ => replaced.unwrap_or(data),
            };
            Some(HeaderEntry::new(tag, data))
        });
        package.metadata.header = rpm::Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE);
        let header = package.metadata.header_bytes()?;
        package.metadata.signature = SignatureHeaderBuilder::new()
            .set_content_length(header.len() as u64 + package.payload.len() as u64)
            .calculate_digests(&header)
            .build()?;
        Ok(())
    }
}

const LUA: &str = "<lua>";
const REGION: u32 = IndexTag::RPMTAG_HEADERIMMUTABLE as u32;
const PRIORITIES: u32 = IndexTag::RPMTAG_TRANSFILETRIGGERPRIORITIES as u32;

/// The three arrays of requirements, with rpm's word for Lua.
fn requires_with_lua(package: &Package) -> Result<[(IndexTag, IndexData); 3], rpm::Error> {
    let mut requires = package.metadata.get_requires()?;
    requires.retain(|dependency| dependency.name != LUA);
    requires.push(Dependency::rpmlib("BuiltinLuaScripts", "4.2.2-1"));
    requires
        .sort_by(|a, b| (&a.name, &a.version, a.flags.bits()).cmp(&(&b.name, &b.version, b.flags.bits())));
    let flags = requires.iter().map(|dependency| dependency.flags.bits()).collect();
    let (names, versions) =
        requires.into_iter().map(|dependency| (dependency.name, dependency.version)).unzip();
    Ok([
        (IndexTag::RPMTAG_REQUIRENAME, IndexData::StringArray(names)),
        (IndexTag::RPMTAG_REQUIREVERSION, IndexData::StringArray(versions)),
        (IndexTag::RPMTAG_REQUIREFLAGS, IndexData::Int32(flags)),
    ])
}
