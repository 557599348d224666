//! `mr.secret`: a value that never shows its text.

use mlua::{MetaMethod, UserData, UserDataMethods, Value};

use crate::secret::{REDACTED, Secret};

/// A secret in the hands of Lua code.
#[derive(Clone)]
pub(super) struct SecretValue(pub(super) Secret);

impl SecretValue {
    /// The secret in a value: a `mr.secret`, or a plain string.
    pub(super) fn of(value: &Value) -> Option<Secret> {
        match value {
            Value::UserData(data) => data.borrow::<SecretValue>().ok().map(|s| s.0.clone()),
            Value::String(text) => Some(Secret::new(text.to_string_lossy())),
            _ => None,
        }
    }

    /// True when the value is one.
    pub(super) fn is(value: &Value) -> bool {
        matches!(value, Value::UserData(data) if data.is::<SecretValue>())
    }
}

impl UserData for SecretValue {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::ToString, |_, _, ()| Ok(REDACTED));
        methods.add_meta_function(MetaMethod::Concat, |_, (a, b): (Value, Value)| {
            // What holds a secret is one.
            let text = |v: &Value| {
                SecretValue::of(v)
                    .map(|s| s.reveal().to_owned())
                    .or_else(|| super::options::text_of(v))
                    .ok_or_else(|| crate::error::Error::usage("only a string joins a secret"))
            };
            Ok(SecretValue(Secret::new(text(&a)? + &text(&b)?)))
        });
        methods.add_meta_function(MetaMethod::Eq, |_, (a, b): (Value, Value)| {
            Ok(matches!((SecretValue::of(&a), SecretValue::of(&b)), (Some(a), Some(b)) if a == b))
        });
    }
}
