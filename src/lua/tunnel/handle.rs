//! The handle that `tunnel.open` gives.

use std::rc::Rc;

use mlua::serde::SerializeOptions;
use mlua::{LuaSerdeExt as _, MetaMethod, UserData, UserDataFields, UserDataMethods, Value};

use super::held::Held;
use crate::inventory::Tunnel as Profile;
use crate::lua::options::Options;
use crate::tunnel::listen::Purpose;

/// Where SOCKS clients look first.
const SOCKS: &str = "127.0.0.1:1080";

/// What nobody could tell is nil.
const NIL: SerializeOptions = SerializeOptions::new()
    .serialize_none_to_null(false)
    .serialize_unit_to_null(false);

/// A tunnel that is up for a script.
pub(super) struct Tunnel {
    pub(super) held: Rc<Held>,
    pub(super) profile: Profile,
}

impl Tunnel {
    fn kind(&self) -> &'static str {
        self.profile.kind.as_str()
    }
}

impl UserData for Tunnel {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field("__name", "Tunnel");
        fields.add_field_method_get("name", |_, this| Ok(this.held.name.clone()));
        fields.add_field_method_get("type", |_, this| Ok(this.kind()));
        fields.add_field_method_get("is_open", |_, this| Ok(this.held.is_open()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method("status", |lua, this, ()| async move {
            let told = this.held.status(&this.profile).await;
            let table = lua.create_table()?;
            for (key, value) in told {
                table.raw_set(key, lua.to_value_with(&value, NIL)?)?;
            }
            Ok(table)
        });
        methods.add_method("socks", |_, this, opts: Value| {
            let opts = Options::new("socks", opts, &["listen"])?;
            let listen = opts.text("listen")?;
            let listen = listen.as_deref().unwrap_or(SOCKS);
            let what = format!("tunnel `{}`", this.held.name);
            Ok(this.held.listen(listen, Purpose::Socks, &what)?)
        });
        methods.add_async_method("close", |_, this, ()| async move {
            this.held.clone().close().await;
            Ok(())
        });
        methods.add_meta_method("__close", |_, this, _: Value| {
            this.held.close_soon();
            Ok(())
        });
        methods.add_meta_method(MetaMethod::ToString, |_, this, ()| {
            let state = if this.held.is_open() { "up" } else { "closed" };
            Ok(format!(
                "Tunnel({} {}: {state})",
                this.held.name,
                this.kind()
            ))
        });
    }
}
