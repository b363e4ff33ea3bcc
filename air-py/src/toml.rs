//! Where in a TOML text each value stands, so that what is wrong with one can be told with its line. The values
//! themselves are read in Python.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use toml_edit::{Document, Item, TableLike, Value};

/// One step of the way to a value.
#[derive(Clone, IntoPyObject)]
enum Step {
    Key(String),
    Index(usize),
}

/// Lines, from 1, by the way to the value: keys of tables and indices of arrays. Empty for a text that is no TOML.
#[pyfunction]
pub fn toml_lines<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyDict>> {
    let lines = PyDict::new(py);
    if let Ok(document) = Document::parse(text) {
        let newlines = text.match_indices('\n').map(|(offset, _)| offset).collect();
        let mut found = Found { newlines, lines: Vec::new() };
        found.table(document.as_table(), &mut Vec::new());
        for (path, line) in found.lines {
            lines.set_item(PyTuple::new(py, path)?, line)?;
        }
    }
    Ok(lines)
}

struct Found {
    newlines: Vec<usize>,
    lines: Vec<(Vec<Step>, usize)>,
}

impl Found {
    fn table(&mut self, table: &dyn TableLike, path: &mut Vec<Step>) {
        for (name, item) in table.iter() {
            let key = table.key(name).and_then(toml_edit::Key::span);
            path.push(Step::Key(name.to_owned()));
            self.place(key.or(item.span()).map(|span| span.start), path);
            self.item(item, path);
            path.pop();
        }
    }

    fn item(&mut self, item: &Item, path: &mut Vec<Step>) {
        match item {
            Item::Table(table) => self.table(table, path),
            Item::Value(value) => self.value(value, path),
            Item::ArrayOfTables(tables) => {
                for (index, table) in tables.iter().enumerate() {
                    path.push(Step::Index(index));
                    self.place(table.span().map(|span| span.start), path);
                    self.table(table, path);
                    path.pop();
                }
            }
            Item::None => {}
        }
    }

    fn value(&mut self, value: &Value, path: &mut Vec<Step>) {
        match value {
            Value::InlineTable(table) => self.table(table, path),
            Value::Array(array) => {
                for (index, value) in array.iter().enumerate() {
                    path.push(Step::Index(index));
                    self.place(value.span().map(|span| span.start), path);
                    self.value(value, path);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn place(&mut self, offset: Option<usize>, path: &[Step]) {
        if let Some(offset) = offset {
            let line = self.newlines.partition_point(|newline| *newline < offset) + 1;
            self.lines.push((path.to_vec(), line));
        }
    }
}
