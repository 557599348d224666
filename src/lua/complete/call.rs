//! [`Call`]: what a call takes and gives. Pure.

use crate::lua::doc::{Item, Param, types};

/// Something that can be called, as the stubs tell of it.
pub(super) struct Call {
    /// `Remote:run`, `server`
    pub name: String,
    /// The class that has it.
    pub owner: String,
    pub params: Vec<Param>,
    /// The types of what it gives.
    pub returns: Vec<String>,
}

impl Call {
    /// A documented call, or a value that can itself be called.
    pub fn of(item: &Item) -> Option<Self> {
        let is_value = item.params.is_empty() && item.returns.is_empty();
        let overload = item.overloads.first().filter(|_| is_value);
        let (params, returns) = match overload {
            Some(ty) => {
                let param = |(name, optional, ty): (&str, bool, &str)| Param {
                    name: name.to_owned(),
                    optional,
                    ty: ty.to_owned(),
                    text: String::new(),
                };
                let params = types::params(ty).into_iter().map(param).collect();
                let returns = types::returns(ty).into_iter().map(str::to_owned);
                (params, returns.collect())
            }
            None if !item.kind.is_call() => return None,
            None => {
                let returns = item.returns.iter().map(|r| r.ty.clone());
                (item.params.clone(), returns.collect())
            }
        };
        Some(Call {
            name: item.name.clone(),
            owner: item.owner.clone().unwrap_or_default(),
            params,
            returns,
        })
    }

    /// The parameter that takes an argument.
    pub fn takes(&self, index: usize) -> Option<&Param> {
        let last = self.params.last().filter(|p| p.name == "...");
        self.params.get(index).or(last)
    }

    /// From a parameter on: `opts?) -> mr.Result`.
    pub fn rest(&self, from: usize) -> String {
        let params: Vec<String> = self.params.iter().skip(from).map(Param::shown).collect();
        let gives = match self.returns.is_empty() {
            true => String::new(),
            false => format!(" -> {}", self.returns.join(", ")),
        };
        format!("{}){gives}", params.join(", "))
    }
}
