//! CSV with a header: lists of one's own, and what clouds export. The names of their columns are
//! data ([`COLUMNS`]); the first column of a field that has something in it counts. Pure.

use serde_json::Value;

use super::columns::{Field, KNOWN, normal, places};
use super::input::{Input, line};
use super::{ImportOptions, Source};
use crate::error::{Error, Result};
use crate::inventory::check;
use crate::inventory::record::Record;
use crate::secret::Secret;

/// Delimiters, tried on the header.
const DELIMITERS: [u8; 3] = *b",;\t";
/// Most columns.
const MOST_COLUMNS: usize = 1000;

/// Does a header name servers and where they are?
fn is_useful(header: &[String]) -> bool {
    let has = |field| !places(header, field).is_empty();
    header.len() > 1 && has(Field::Id) && has(Field::Host)
}

/// Is this line the header of a list of servers?
pub(super) fn is_header(line: &str) -> bool {
    DELIMITERS.into_iter().any(|delimiter| {
        let columns: Vec<String> = line
            .split(char::from(delimiter))
            .map(|c| normal(c.trim_matches('"')))
            .collect();
        is_useful(&columns)
    })
}

/// Reads a table.
pub(super) fn read(source: &Source<'_>, options: &ImportOptions) -> Input {
    let mut input = Input::new(source);
    let bytes = source.bytes;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut refused = None;
    for delimiter in DELIMITERS {
        let mut rows = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .comment(Some(b'#'))
            .from_reader(bytes)
            .into_records();
        let first = match rows.next() {
            None => return input,
            Some(Ok(first)) => first,
            Some(Err(e)) => {
                refused.get_or_insert_with(|| unreadable(bytes, &e));
                continue;
            }
        };
        let header: Vec<String> = first.iter().take(MOST_COLUMNS).map(normal).collect();
        let line_of = |row: &csv::StringRecord| line_at(bytes, row.position());
        if !is_useful(&header) {
            let error = Error::usage("the header names no column for the id and none for the host");
            let hint = "it is like `name,ip,user,port,key,tags`";
            refused.get_or_insert((line_of(&first), error.hint(hint)));
            continue;
        }
        if let Some(twice) = header
            .iter()
            .enumerate()
            .find(|(i, h)| !h.is_empty() && header[..*i].contains(h))
        {
            let error = Error::usage(format!("column `{}` is there twice", twice.1));
            input.errors.push((line(line_of(&first)), error));
            return input;
        }
        let mut table = Table::new(header, options);
        for row in rows {
            match row {
                Err(e) => {
                    let (at, e) = unreadable(bytes, &e);
                    input.errors.push((line(at), e));
                }
                Ok(row) if row.iter().all(|cell| cell.trim().is_empty()) => {}
                Ok(row) => {
                    let cells = row.iter().map(|c| c.trim().to_owned()).collect();
                    table.rows.push((line_of(&row), cells));
                }
            }
        }
        table.records(&mut input);
        return input;
    }
    input.errors.extend(refused.map(|(at, e)| (line(at), e)));
    input
}

fn unreadable(bytes: &[u8], e: &csv::Error) -> (usize, Error) {
    let message = match e.kind() {
        csv::ErrorKind::Utf8 { .. } => "the line is not valid UTF-8",
        _ => "the line is not CSV",
    };
    (line_at(bytes, e.position()), Error::usage(message))
}

/// The line on which a row begins. The reader's position is where the row before it ended: empty
/// lines and comments may lie between.
fn line_at(bytes: &[u8], position: Option<&csv::Position>) -> usize {
    let Some(position) = position else {
        return 1;
    };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let mut rest = bytes.get(start..).unwrap_or_default();
    let mut line = usize::try_from(position.line()).unwrap_or(usize::MAX);
    loop {
        match rest {
            [b'\n', after @ ..] => {
                line += 1;
                rest = after;
            }
            [b'\r', after @ ..] => rest = after,
            [b'#', ..] => {
                let end = rest.iter().position(|b| *b == b'\n');
                rest = &rest[end.unwrap_or(rest.len())..];
            }
            _ => return line,
        }
    }
}

struct Table<'a> {
    header: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
    options: &'a ImportOptions,
}

impl<'a> Table<'a> {
    fn new(header: Vec<String>, options: &'a ImportOptions) -> Self {
        Table {
            header,
            rows: Vec::new(),
            options,
        }
    }

    fn records(&self, input: &mut Input) {
        let mut ids = places(&self.header, Field::Id);
        // A column `id` of one's own names servers; a cloud's is a number, and others are better.
        if let Some(own) = self.own_ids() {
            ids.retain(|place| *place != own);
            ids.insert(0, own);
        }
        let known: Vec<usize> = KNOWN
            .iter()
            .flat_map(|(field, _)| places(&self.header, *field))
            .collect();
        let other: Vec<usize> = (0..self.header.len())
            .filter(|place| !known.contains(place) && !self.header[*place].is_empty())
            .collect();
        for (at, cells) in &self.rows {
            match self.record(cells, &ids, &other) {
                Ok(record) => input.records.push((line(*at), record)),
                Err(e) => input.errors.push((line(*at), e)),
            }
        }
        if !other.is_empty() && !self.options.vars {
            let few: Vec<_> = other
                .iter()
                .take(3)
                .map(|c| format!("`{}`", self.header[*c]))
                .collect();
            let more = match other.len() - few.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let few = few.join(", ");
            let note = format!(
                "other columns are left out: {few}{more} (`--vars` keeps them as metadata)"
            );
            input.notes.push((line(0), note));
        }
    }

    /// The place of a column `id` whose values look like names.
    fn own_ids(&self) -> Option<usize> {
        let place = self.header.iter().position(|h| h == "id")?;
        let is_machine_made = |id: &str| {
            let hex = id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
            id.bytes().all(|b| b.is_ascii_digit())
                || id.starts_with("i-")
                || (hex && id.len() >= 32)
        };
        let mut ids = self.rows.iter().filter_map(|(_, cells)| cells.get(place));
        ids.any(|id| !id.is_empty() && !is_machine_made(id))
            .then_some(place)
    }

    fn record(&self, cells: &[String], ids: &[usize], other: &[usize]) -> Result<Record> {
        if cells.len() > self.header.len()
            && cells[self.header.len()..].iter().any(|c| !c.is_empty())
        {
            let message = format!(
                "{} fields, but the header has {}",
                cells.len(),
                self.header.len()
            );
            return Err(Error::usage(message).hint("a field with the delimiter in it needs quotes"));
        }
        let filled = |places: &[usize]| -> Option<&str> {
            let mut cells = places.iter().filter_map(|p| cells.get(*p));
            cells
                .find(|cell| !cell.is_empty() && *cell != "-")
                .map(String::as_str)
        };
        let get = |field| filled(&places(&self.header, field));
        let id = filled(ids).ok_or_else(|| Error::usage("no id"))?;
        // Some clouds list every address in one cell; the first is the public one.
        let host = get(Field::Host).and_then(|h| h.split([' ', ',', ';', '|']).next());
        let host =
            host.ok_or_else(|| Error::usage(format!("`{}` has no address", id.escape_debug())))?;
        let mut record = Record {
            id: id.to_owned(),
            host: Some(host.to_owned()),
            user: get(Field::User).map(str::to_owned),
            port: get(Field::Port).map(check::port).transpose()?,
            password: get(Field::Password).map(Secret::new),
            description: get(Field::Description).map(|d| Some(d.to_owned())),
            ..Record::default()
        };
        if let Some(key) = get(Field::Key) {
            record.set("local_cert_path", Value::String(key.to_owned()));
        }
        if let Some(jump) = get(Field::Jump) {
            record.set("jump", Value::String(jump.to_owned()));
        }
        let tags = get(Field::Tags).unwrap_or_default();
        let tags = tags.split([',', ';', '|', ' ']).filter(|t| !t.is_empty());
        record.add_tags = tags.map(|t| t.trim_start_matches('@').to_owned()).collect();
        if self.options.vars {
            for place in other {
                if let Some(cell) = cells.get(*place).filter(|c| !c.is_empty()) {
                    let value = super::ansible::number(cell);
                    let value = value.unwrap_or_else(|| Value::String(cell.clone()));
                    record.set(&self.header[*place], value);
                }
            }
        }
        Ok(record)
    }
}
