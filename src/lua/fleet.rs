//! `fleet`: a selection of servers, and work on all of them at once.

use std::rc::Rc;

use mlua::{Function, Lua, Table, UserData, UserDataFields, UserDataMethods, Value};

use super::context::Context;
use super::error::{from_lua, to_table};
use super::ops;
use super::options::Options;
use super::server::Server;
use crate::error::{Error, Kind, Result};
use crate::fleet::{self, Outcome, Policy, Status};
use crate::inventory::Server as Row;

/// The options of everything that works on a fleet.
const MAP: [&str; 6] = ["forks", "serial", "max_fail", "label", "check", "tolerate"];
/// The metatable's name of a list of outcomes.
pub(super) const OUTCOMES: &str = "Outcomes";
/// Registry key of the methods that are written in Lua.
const METHODS: &str = "Fleet.methods";

/// A selection, in inventory order.
pub(super) struct Fleet {
    context: Rc<Context>,
    rows: Vec<Row>,
}

impl Fleet {
    /// A selection made outside of Lua.
    pub(super) fn new(context: &Rc<Context>, rows: Vec<Row>) -> Self {
        Fleet {
            context: context.clone(),
            rows,
        }
    }

    /// The servers, as they were when they were selected.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn handle(&self, i: usize) -> Option<Server> {
        let row = self.rows.get(i)?.clone();
        Some(Server::new(&self.context, row, false))
    }
}

impl UserData for Fleet {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "Fleet");
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method(
            "map",
            |lua, this, (work, opts): (Function, Value)| async move {
                let opts = Options::new("map", opts, &MAP)?;
                let (context, rows) = (this.context.clone(), this.rows.clone());
                let label = opts.text("label")?.unwrap_or_else(|| "map".to_owned());
                let check = opts.flag("check")?.unwrap_or(false);
                let policy = policy(&context, &opts)?;
                let job = Job::new(&lua, &context, &work, check);
                let one = |row| job.run(row);
                let room = &context.room;
                let outcomes = fleet::map(room, &label, rows, &policy, one, |_| {}).await;
                if !opts.flag("tolerate")?.unwrap_or(false) {
                    let mut ended = context.ended.borrow_mut();
                    outcomes.iter().for_each(|outcome| ended.add(outcome));
                }
                to_list(&lua, outcomes)
            },
        );
        methods.add_method("ids", |lua, this, ()| {
            lua.create_sequence_from(this.rows.iter().map(|r| r.id.as_str()))
        });
        methods.add_method("list", |lua, this, ()| {
            lua.create_sequence_from((0..this.rows.len()).filter_map(|i| this.handle(i)))
        });
        methods.add_meta_method("__len", |_, this, ()| Ok(this.rows.len()));
        methods.add_meta_method("__index", |lua, this, key: Value| {
            if let Value::String(_) = key {
                return lua.named_registry_value::<Table>(METHODS)?.raw_get(key);
            }
            let index = match key {
                Value::Integer(i) => usize::try_from(i).ok().and_then(|i| i.checked_sub(1)),
                _ => None,
            };
            match index.and_then(|i| this.handle(i)) {
                Some(server) => lua.create_userdata(server).map(Value::UserData),
                None => Ok(Value::Nil),
            }
        });
        methods.add_method("filter", |_, this, keep: Function| {
            let mut rows = Vec::new();
            for (i, row) in this.rows.iter().enumerate() {
                if let Some(server) = this.handle(i)
                    && keep.call::<bool>(server)?
                {
                    rows.push(row.clone());
                }
            }
            Ok(Fleet::new(&this.context, rows))
        });
        methods.add_meta_method("__tostring", |_, this, ()| {
            let ids: Vec<&str> = this.rows.iter().map(|r| r.id.as_str()).collect();
            Ok(format!("Fleet({})", ids.join(" ")))
        });
    }
}

/// How the map of a call is run: the run's own policy where the call says nothing.
fn policy(context: &Context, opts: &Options) -> Result<Policy> {
    let mut policy = context.room.options.policy;
    if let Some(forks) = opts.number("forks", 1, 10_000)? {
        policy.forks = forks as usize;
    }
    let batch = |key: &str| opts.text(key)?.map(|t| t.parse()).transpose();
    policy.serial = batch("serial")?.or(policy.serial);
    policy.max_fail = batch("max_fail")?.or(policy.max_fail);
    Ok(policy)
}

/// A Lua function that is run for each of many servers, one coroutine a server.
pub(super) struct Job<'a> {
    lua: &'a Lua,
    context: &'a Rc<Context>,
    work: &'a Function,
    check: bool,
    /// Handed over after the server.
    more: Value,
}

impl<'a> Job<'a> {
    /// `work(server)`; with `check`, no writing verb reaches a server.
    pub(super) fn new(
        lua: &'a Lua,
        context: &'a Rc<Context>,
        work: &'a Function,
        check: bool,
    ) -> Self {
        Job {
            lua,
            context,
            work,
            check,
            more: Value::Nil,
        }
    }

    /// `work(server, more)`.
    pub(super) fn with(mut self, more: Value) -> Self {
        self.more = more;
        self
    }

    /// One server's part.
    pub(super) async fn run(&self, row: Row) -> Result<(Status, Value)> {
        let server = Server::new(self.context, row, self.check);
        let handle = self.lua.create_userdata(server.clone());
        let handle = handle.map_err(|e| from_lua(&e))?;
        let link = &server.0;
        let work = super::call(self.lua, self.work, (&handle, &self.more)).await;
        let result = ops::ended(self.lua, &handle, work).await;
        // Honest even when the code caught the error: it went on with a guess.
        if link.unknown.get() && result.is_ok() {
            let message = "check mode cannot tell: code looked at a command that was not run";
            return Err(Error::new(Kind::Unpredicted, message));
        }
        let value = result?.into_iter().next().unwrap_or_default();
        let tally = &link.tally;
        let status = if link.would_change.get() || tally.changed.get() > 0 {
            Status::Changed
        } else if tally.unknown.get() > 0 {
            Status::Unknown
        } else {
            Status::Ok
        };
        Ok((status_of(&value).unwrap_or(status), value))
    }
}

/// The status that the work itself gave: the result of stages or of a deployment carries it.
fn status_of(value: &Value) -> Option<Status> {
    let table = value.as_table()?;
    let name: String = table.metatable()?.raw_get("__name").ok()?;
    if !matches!(&*name, "StageResult" | "DeployResult") {
        return None;
    }
    let word: String = table.raw_get("status").ok()?;
    Status::ALL.into_iter().find(|s| s.as_str() == word)
}

/// Outcomes as Lua sees them: `{server, status, value, err, duration}` in inventory order.
pub(super) fn to_list(lua: &Lua, outcomes: Vec<Outcome<Value>>) -> mlua::Result<Table> {
    let list = lua.create_table_with_capacity(outcomes.len(), 0)?;
    for outcome in outcomes {
        let table = lua.create_table_with_capacity(0, 5)?;
        table.raw_set("server", outcome.server)?;
        table.raw_set("status", outcome.status.as_str())?;
        table.raw_set("value", outcome.value)?;
        table.raw_set("duration", outcome.duration.as_secs_f64())?;
        if let Some(error) = &outcome.error {
            table.raw_set("err", to_table(lua, error)?)?;
        }
        list.raw_push(table)?;
    }
    list.set_metatable(Some(lua.named_registry_value(OUTCOMES)?))?;
    Ok(list)
}

/// The global `fleet`: `fleet.select(pattern)`.
pub(super) fn global(lua: &Lua, context: &Rc<Context>) -> mlua::Result<Table> {
    let meta = lua.create_table()?;
    meta.raw_set("__name", OUTCOMES)?;
    lua.set_named_registry_value(OUTCOMES, meta)?;
    let table = lua.create_table()?;
    let c = context.clone();
    let select = lua.create_function(move |_, pattern: String| {
        let rows = c.room.select(&pattern)?;
        Ok(Fleet::new(&c, rows))
    })?;
    table.raw_set("select", select)?;
    let methods: Table = super::shipped(lua, "mr/fleet.lua")?;
    lua.set_named_registry_value(METHODS, methods)?;
    Ok(table)
}
