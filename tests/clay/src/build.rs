//! A recipe becomes an RPM file: the same recipe always the same bytes, but for the signature.

use rpm::{
    BuildConfig, CompressionWithLevel, FileFlags, FileOptions, FileOptionsBuilder, HeaderEntry, IndexData,
    IndexTag, Package, PackageBuilder, SignatureHeaderBuilder, Timestamp,
};

use crate::error::Error;
use crate::key::Key;
use crate::recipe::{Content, DEFAULT_PRIORITY, File, On, Payload, Phase, Recipe, Relates};

/// Builds and signs; the result is the RPM file's bytes.
pub fn build(recipe: Recipe, key: &Key) -> Result<Vec<u8>, Error> {
    let name = recipe.name.clone();
    let date = recipe.date;
    let priorities = priorities(&recipe);
    let mut package = assemble(recipe).map_err(Error::rpm(&name))?;
    if let Some(priorities) = priorities {
        set_priorities(&mut package, &priorities).map_err(Error::rpm(&name))?;
    }
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

/// The priorities of the transaction file triggers, in order, if any is not the default.
fn priorities(recipe: &Recipe) -> Option<Vec<u32>> {
    let of_transaction = recipe
        .triggers
        .iter()
        .filter(|trigger| matches!(trigger.on, On::Transaction | On::TransactionRemoval));
    let priorities: Vec<u32> = of_transaction.map(|trigger| trigger.priority).collect();
    priorities.iter().any(|priority| *priority != DEFAULT_PRIORITY).then_some(priorities)
}

/// The builder writes the default for every trigger, so the header is rewritten.
fn set_priorities(package: &mut Package, priorities: &[u32]) -> Result<(), rpm::Error> {
    let tag = IndexTag::RPMTAG_TRANSFILETRIGGERPRIORITIES as u32;
    let region = IndexTag::RPMTAG_HEADERIMMUTABLE as u32;
    let entries =
        package.metadata.header.get_all_entries()?.into_iter().filter(|(found, _)| *found != region).map(
            |(found, data)| {
                let data = if found == tag { IndexData::Int32(priorities.to_vec()) } else { data };
                HeaderEntry::new(found, data)
            },
        );
    package.metadata.header = rpm::Header::from_entries(entries, IndexTag::RPMTAG_HEADERIMMUTABLE);
    let header = package.metadata.header_bytes()?;
    package.metadata.signature = SignatureHeaderBuilder::new()
        .set_content_length(header.len() as u64 + package.payload.len() as u64)
        .calculate_digests(&header)
        .build()?;
    Ok(())
}
