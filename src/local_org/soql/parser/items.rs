//! What stands between SELECT and FROM.

use super::Parser;
use crate::local_org::soql::error::SoqlError;
use crate::local_org::soql::lexer::Kind;
use crate::local_org::soql::tree::{Call, Function, Group, Item, Path};

impl Parser<'_> {
    /// The items; none for `COUNT()`.
    pub(super) fn items(&mut self) -> Result<Vec<Item>, SoqlError> {
        if self.is_word("COUNT") && self.ahead(1).is_symbol("(") && self.ahead(2).is_symbol(")") {
            self.next += 3;
            return Ok(Vec::new());
        }
        let mut items = vec![self.item()?];
        while self.symbol(",") {
            items.push(self.item()?);
        }
        Ok(items)
    }

    fn item(&mut self) -> Result<Item, SoqlError> {
        if self.symbol("(") {
            let query = self.deeper(Self::query)?;
            self.need_symbol(")")?;
            return Ok(Item::Children(Box::new(query)));
        }
        if self.is_word("TYPEOF") && self.ahead(1).kind == Kind::Name {
            return self.type_of();
        }
        if let Some(call) = self.call()? {
            return Ok(Item::Call { call, alias: self.item_alias() });
        }
        let at = self.peek().at;
        let path = self.path()?;
        if !self.peek().is_symbol("(") {
            return Ok(Item::Field { path, alias: self.item_alias() });
        }
        match path.text().to_ascii_lowercase().as_str() {
            "fields" => Ok(Item::Fields { group: self.field_group()?, at }),
            "tolabel" => {
                let path = self.argument()?;
                Ok(Item::Label { path, alias: self.item_alias() })
            }
            _ => Err(self.unsupported(at, &format!("{}()", path.text()))),
        }
    }

    /// A name that another item, or FROM, stands behind.
    fn item_alias(&mut self) -> Option<String> {
        let ends = self.ahead(1).is_symbol(",") || self.ahead(1).is_word("FROM");
        let named = self.peek().kind == Kind::Name && !self.is_word("FROM") && ends;
        named.then(|| self.take().text)
    }

    /// A function over many rows, when one is called here.
    pub(super) fn call(&mut self) -> Result<Option<Call>, SoqlError> {
        let token = self.peek();
        let (at, called) = (token.at, self.ahead(1).is_symbol("("));
        let function = if token.kind == Kind::Name { Function::parse(&token.text) } else { None };
        let Some(function) = function.filter(|_| called) else { return Ok(None) };
        self.next += 1;
        let path = self.argument()?;
        Ok(Some(Call { function, path, at }))
    }

    fn argument(&mut self) -> Result<Path, SoqlError> {
        self.need_symbol("(")?;
        let path = self.path()?;
        self.need_symbol(")")?;
        Ok(path)
    }

    fn field_group(&mut self) -> Result<Group, SoqlError> {
        self.need_symbol("(")?;
        let group = match self.peek().text.to_ascii_uppercase().as_str() {
            "ALL" => Group::All,
            "STANDARD" => Group::Standard,
            "CUSTOM" => Group::Custom,
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        self.need_symbol(")")?;
        Ok(group)
    }

    fn type_of(&mut self) -> Result<Item, SoqlError> {
        self.need_word("TYPEOF")?;
        let path = self.path()?;
        let mut cases = Vec::new();
        while self.word("WHEN") {
            let object = self.path()?;
            self.need_word("THEN")?;
            cases.push((object, self.paths()?));
        }
        if cases.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.word("ELSE") { self.paths()? } else { Vec::new() };
        self.need_word("END")?;
        Ok(Item::TypeOf { path, cases, otherwise })
    }

    fn paths(&mut self) -> Result<Vec<Path>, SoqlError> {
        let mut paths = vec![self.path()?];
        while self.symbol(",") {
            paths.push(self.path()?);
        }
        Ok(paths)
    }
}
