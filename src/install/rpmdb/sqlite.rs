//! The sqlite form, as rpm's `lib/backend/sqlite.c` makes it: the headers in `Packages`, a table for each index.
//!
//! It is made in memory. A database that comes from a root is not trusted: nothing in it may run (triggers, views), and no
//! file is touched on its account.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, params};

use crate::install::rpmdb::Error;
use crate::install::rpmdb::index::{Key, TABLES, Table};
use crate::package::header::{Header, Origin};

fn failed(call: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
    move |source| Error::Sqlite { call, source }
}

/// Where the file says how it is written and read, and the value for a write-ahead log, in which rpm keeps it. A
/// database in memory cannot have one.
const MODE: std::ops::Range<usize> = 18..20;
const WRITE_AHEAD: u8 = 2;
const PLAIN: u8 = 1;

/// The bytes of a database that has what `existing` has, and `headers`.
pub(super) fn write(existing: Option<&[u8]>, headers: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let mut connection = open(existing)?;
    connection.set_prepared_statement_cache_capacity(TABLES.len() + 1);
    let transaction = connection.transaction().map_err(failed("BEGIN"))?;
    create(&transaction)?;
    for header in headers {
        insert(&transaction, header)?;
    }
    for table in TABLES {
        create_indexes(&transaction, table)?;
    }
    transaction.commit().map_err(failed("COMMIT"))?;
    let mut content = connection.serialize(MAIN_DB).map_err(failed("serialize"))?.to_vec();
    if let Some(mode) = content.get_mut(MODE) {
        mode.fill(WRITE_AHEAD);
    }
    Ok(content)
}

/// The headers of a database.
pub(super) fn headers(database: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let connection = open(Some(database))?;
    let mut statement =
        connection.prepare("SELECT blob FROM Packages ORDER BY hnum").map_err(failed("SELECT"))?;
    let rows = statement.query_map([], |row| row.get(0)).map_err(failed("SELECT"))?;
    rows.collect::<Result<_, _>>().map_err(failed("SELECT"))
}

fn open(existing: Option<&[u8]>) -> Result<Connection, Error> {
    let mut connection = Connection::open_in_memory().map_err(failed("open"))?;
    let settings = [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ];
    for (setting, value) in settings {
        connection.set_db_config(setting, value).map_err(failed("configure"))?;
    }
    if let Some(bytes) = existing {
        let mut bytes = bytes.to_vec();
        if let Some(mode) = bytes.get_mut(MODE) {
            mode.fill(PLAIN);
        }
        let size = bytes.len();
        connection
            .deserialize_read_exact(MAIN_DB, &bytes[..], size, false)
            .map_err(failed("read the database below"))?;
        connection.pragma_update(None, "cell_size_check", true).map_err(failed("PRAGMA"))?;
    }
    Ok(connection)
}

fn create(connection: &Connection) -> Result<(), Error> {
    connection
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)",
        )
        .map_err(failed("CREATE TABLE"))?;
    for table in TABLES {
        let kind = if table.is_text() { "TEXT" } else { "BLOB" };
        let text = format!(
            "CREATE TABLE IF NOT EXISTS '{}' (key '{kind}' NOT NULL, hnum INTEGER NOT NULL, \
             idx INTEGER NOT NULL, FOREIGN KEY (hnum) REFERENCES 'Packages'(hnum))",
            table.name
        );
        connection.execute_batch(&text).map_err(failed("CREATE TABLE"))?;
    }
    Ok(())
}

fn create_indexes(connection: &Connection, table: &Table) -> Result<(), Error> {
    let columns = [("key", table.is_text()), ("hnum", table.is_text() && table.is_list())];
    for (column, wanted) in columns {
        if !wanted {
            continue;
        }
        let name = table.name;
        let text = format!("CREATE INDEX IF NOT EXISTS '{name}_{column}_idx' ON '{name}'({column} ASC)");
        connection.execute_batch(&text).map_err(failed("CREATE INDEX"))?;
    }
    Ok(())
}

fn insert(connection: &Connection, bytes: &[u8]) -> Result<(), Error> {
    let named = |source| Error::Header { package: "(installed)".to_owned(), source };
    let header = Header::parse(bytes, Origin::Installed).map_err(named)?;
    let mut statement =
        connection.prepare_cached("INSERT INTO Packages VALUES (NULL, ?)").map_err(failed("INSERT"))?;
    let number = statement.insert(params![bytes]).map_err(failed("INSERT"))?;
    for table in TABLES {
        let rows = table.rows(&header).map_err(named)?;
        let text = format!("INSERT INTO '{}' VALUES (?, ?, ?)", table.name);
        let mut statement = connection.prepare_cached(&text).map_err(failed("INSERT"))?;
        for (key, position) in rows {
            match key {
                Key::Text(key) => statement.execute(params![key, number, position]),
                Key::Bytes(key) => statement.execute(params![key, number, position]),
            }
            .map_err(failed("INSERT"))?;
        }
    }
    Ok(())
}
