//! Reads Rust sources into what the rules of the house ask about: the paths that are named, the functions, the lines.
//!
//! Knows syntax only, no rule. Names are taken from the tokens, so that `use` items, inline paths, attributes and the
//! insides of macros are seen alike; comments and texts are not.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// One file.
pub(super) struct Source {
    /// From the root of the project, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// Whether it is compiled for tests only.
    pub(super) test: bool,
    /// Where the module stands, from the root of the crate.
    pub(super) module: Vec<String>,
    pub(super) names: Vec<Name>,
    /// What `use` made of a name.
    pub(super) short: BTreeMap<String, Vec<String>>,
    /// Of code that is not for tests.
    pub(super) functions: Vec<Function>,
}

/// A path that the code names; a single identifier is a path of one.
pub(super) struct Name {
    /// What `use` made short is long again; what begins at `self` or `super` begins at `crate`.
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// Whether `!` follows: a macro is called.
    pub(super) called: bool,
    /// Whether `pub use` hands it on and nothing else is done with it here.
    pub(super) handed_on: bool,
    /// Whether it stands in a `mod tests` of the file.
    pub(super) test: bool,
}

impl Name {
    pub(super) fn text(&self) -> String {
        self.path.join("::")
    }

    /// Whether the path begins with these segments.
    pub(super) fn begins(&self, path: &str) -> bool {
        let wanted: Vec<&str> = path.split("::").collect();
        self.path.len() >= wanted.len() && self.path.iter().zip(&wanted).all(|(a, b)| a == b)
    }

    /// Whether the path has these segments in a row anywhere.
    pub(super) fn has(&self, path: &str) -> bool {
        let wanted: Vec<&str> = path.split("::").collect();
        self.path.windows(wanted.len()).any(|run| run == wanted.as_slice())
    }
}

/// A function with a body.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    /// From the opening to the closing brace, both included.
    pub(super) lines: usize,
}

/// A file that another file declares with `mod name;`.
struct Declared {
    name: String,
    /// The inline modules around it.
    within: Vec<String>,
    path: Option<String>,
    test: bool,
}

impl Source {
    /// A file of `src` out of nothing, for the tests of the rules.
    pub(super) fn sample(path: &str, text: &str) -> Self {
        let inside = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        let module: Vec<String> = match inside {
            "lib" | "main" => Vec::new(),
            inside => inside.split('/').map(str::to_owned).collect(),
        };
        Self::read(path, text.to_owned(), &module, false).0
    }

    fn read(path: &str, text: String, module: &[String], test: bool) -> (Self, Vec<Declared>) {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut names = Names { module: module.to_vec(), ..Names::default() };
        names.read(tokens.clone());
        let file: syn::File = syn::parse2(tokens).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut items = Items { within: Vec::new(), functions: Vec::new(), declared: Vec::new(), test };
        items.visit_file(&file);
        let short = names.short.clone();
        let (names, module) = (names.finish(), module.to_vec());
        let source =
            Self { path: path.to_owned(), text, test, module, names, short, functions: items.functions };
        (source, items.declared)
    }

    /// The room that the file belongs to: its folder or file under `src`.
    pub(super) fn room(&self) -> &str {
        let inside = self.path.trim_start_matches("src/");
        inside.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }
}

/// The root of the project.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that the library and the binary reach.
pub(super) static SRC: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let mut found = reach("src/lib.rs");
    found.extend(reach("src/main.rs"));
    found
});

/// Every file of this test binary.
pub(super) static TESTS: LazyLock<Vec<Source>> = LazyLock::new(|| reach("tests/it/main.rs"));

/// The files that a crate's root reaches by `mod`.
fn reach(top: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open = vec![(top.to_owned(), Vec::new(), false)];
    while let Some((path, module, test)) = open.pop() {
        let text =
            std::fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let (source, declared) = Source::read(&path, text, &module, test);
        for mod_ in declared {
            let file = file_of(&path, &mod_, path == top);
            let module: Vec<String> =
                module.iter().chain(&mod_.within).chain([&mod_.name]).cloned().collect();
            open.push((file, module, test || mod_.test));
        }
        found.push(source);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Where the file of a declared module is.
fn file_of(parent: &str, declared: &Declared, top: bool) -> String {
    let (folder, name) = parent.rsplit_once('/').unwrap_or(("", parent));
    if let Some(path) = &declared.path {
        return format!("{folder}/{path}");
    }
    let mut folder = folder.to_owned();
    if !top && name != "mod.rs" {
        folder = parent.trim_end_matches(".rs").to_owned();
    }
    for outer in &declared.within {
        folder = format!("{folder}/{outer}");
    }
    let flat = format!("{folder}/{}.rs", declared.name);
    if root().join(&flat).exists() { flat } else { format!("{folder}/{}/mod.rs", declared.name) }
}

/// All files below a folder whose name ends so, from the root of the project, sorted.
pub(super) fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.trim_end_matches('/').to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let built = ["target", ".git", ".cutover"].contains(&name.as_str());
            match entry.file_type().unwrap().is_dir() {
                true if !built => open.push(path),
                false if name.ends_with(ending) => drop(found.insert(path)),
                _ => {}
            }
        }
    }
    found.into_iter().collect()
}

/// Collects names from tokens.
#[derive(Default)]
struct Names {
    module: Vec<String>,
    names: Vec<Name>,
    /// What `use` made of a name.
    short: BTreeMap<String, Vec<String>>,
    /// Whether the `use` that is being read hands on.
    handed_on: bool,
    /// How many `mod tests` are around what is being read.
    tests: usize,
}

impl Names {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = match &tokens[at] {
                TokenTree::Group(group) => {
                    self.read(group.stream());
                    at + 1
                }
                TokenTree::Ident(word) if word == "mod" => self.inline_module(&tokens, at),
                TokenTree::Ident(word) if word == "use" && !is(tokens.get(at + 1), '<') => {
                    let end = (at..tokens.len()).find(|i| is(tokens.get(*i), ';')).unwrap_or(tokens.len());
                    self.handed_on = is_public(&tokens[..at]);
                    self.import(&tokens[at + 1..end], &[]);
                    self.handed_on = false;
                    end
                }
                TokenTree::Ident(_) => self.path(&tokens, at),
                _ => at + 1,
            };
        }
    }

    /// `mod name { … }`: what is inside stands one module deeper.
    fn inline_module(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match (tokens.get(at + 1), tokens.get(at + 2)) {
            (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body)))
                if body.delimiter() == Delimiter::Brace =>
            {
                let tests = usize::from(name == "tests");
                self.module.push(name.to_string());
                self.tests += tests;
                self.read(body.stream());
                self.tests -= tests;
                self.module.pop();
                at + 3
            }
            _ => at + 1,
        }
    }

    /// The longest path from here.
    fn path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let mut path = vec![tokens[at].to_string()];
        let mut next = at + 1;
        while let (true, true, Some(TokenTree::Ident(word))) =
            (is(tokens.get(next), ':'), is(tokens.get(next + 1), ':'), tokens.get(next + 2))
        {
            path.push(word.to_string());
            next += 3;
        }
        let called = is(tokens.get(next), '!') && !is(tokens.get(next + 1), '=');
        self.note(path, tokens[at].span().start().line, called);
        next
    }

    /// A tree of `use`.
    fn import(&mut self, tokens: &[TokenTree], prefix: &[String]) {
        for branch in tokens.split(|token| is(Some(token), ',')).filter(|branch| !branch.is_empty()) {
            let mut path = prefix.to_vec();
            let mut renamed = None;
            let mut words = branch.iter();
            while let Some(token) = words.next() {
                match token {
                    TokenTree::Ident(word) if word == "as" => renamed = words.next().map(ToString::to_string),
                    TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                    TokenTree::Ident(word) => path.push(word.to_string()),
                    TokenTree::Group(group) => {
                        self.import(&group.stream().into_iter().collect::<Vec<_>>(), &path);
                        path.clear();
                    }
                    TokenTree::Punct(mark) if mark.as_char() == '*' => path.push("*".to_owned()),
                    _ => {}
                }
            }
            let Some(last) = path.last().cloned() else { continue };
            let path = self.note(path, branch[0].span().start().line, false);
            if self.tests == 0 {
                self.short.insert(renamed.unwrap_or(last), path);
            } else {
                self.short.entry(renamed.unwrap_or(last)).or_insert(path);
            }
        }
    }

    /// Notes a path, absolute where it begins at `self` or `super`, and gives it back.
    fn note(&mut self, path: Vec<String>, line: usize, called: bool) -> Vec<String> {
        let mut module = self.module.clone();
        let path: Vec<String> = match path[0].as_str() {
            "super" | "self" if path.len() > 1 => {
                let ups = path.iter().take_while(|word| *word == "super").count();
                module.truncate(module.len().saturating_sub(ups));
                let down = path.into_iter().skip_while(|word| word == "super" || word == "self");
                ["crate".to_owned()].into_iter().chain(module).chain(down).collect()
            }
            _ => path,
        };
        let (handed_on, test) = (self.handed_on, self.tests > 0);
        self.names.push(Name { path: path.clone(), line, called, handed_on, test });
        path
    }

    /// Makes long again what `use` made short.
    fn finish(mut self) -> Vec<Name> {
        for name in self.names.iter_mut().filter(|name| name.path.len() > 1) {
            if let Some(long) = self.short.get(&name.path[0]).filter(|long| long[0] != name.path[0]) {
                name.path = long.iter().chain(&name.path[1..]).cloned().collect();
            }
        }
        self.names
    }
}

/// Whether what follows these tokens is `pub`, or `pub(…)`.
fn is_public(before: &[TokenTree]) -> bool {
    let word = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Ident(word)) if word == "pub");
    match before.last() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            word(before.len().checked_sub(2).and_then(|at| before.get(at)))
        }
        last => word(last),
    }
}

fn is(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// Collects functions and declared modules.
struct Items {
    within: Vec<String>,
    functions: Vec<Function>,
    declared: Vec<Declared>,
    test: bool,
}

impl Items {
    fn function(&mut self, attributes: &[syn::Attribute], signature: &syn::Signature, body: &syn::Block) {
        if self.test || for_tests(attributes) {
            return;
        }
        let (start, end) = (body.span().start().line, body.span().end().line);
        let line = signature.ident.span().start().line;
        self.functions.push(Function { name: signature.ident.to_string(), line, lines: end - start + 1 });
    }
}

impl<'ast> Visit<'ast> for Items {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.attrs, &item.sig, body);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let test = for_tests(&item.attrs);
        let name = item.ident.to_string();
        if item.content.is_none() {
            let path = item.attrs.iter().find_map(path_attribute);
            self.declared.push(Declared { name, within: self.within.clone(), path, test: test || self.test });
            return;
        }
        let before = self.test;
        self.test |= test;
        self.within.push(name);
        syn::visit::visit_item_mod(self, item);
        self.within.pop();
        self.test = before;
    }
}

/// `#[test]` or `#[cfg(test)]`.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        syn::Meta::NameValue(_) => false,
    })
}

/// The file of `#[path = "file"]`.
fn path_attribute(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) if pair.path.is_ident("path") => {
            Some(text.value())
        }
        _ => None,
    }
}
