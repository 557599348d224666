//! The inventory as a table.

use super::grid::{Grid, Laid};
use super::{Style, columns};
use crate::inventory::Server;

/// Which columns.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// The usual ones, as far as there is room.
    Usual,
    /// Those and more.
    Long,
    /// These, whatever room there is.
    Asked(&'a [String]),
}

/// The table for a terminal of `width` columns.
pub fn servers(servers: &[Server], which: Which<'_>, width: Option<u16>, style: Style) -> Laid {
    let (names, asked) = match which {
        Which::Usual => (columns::usual(false), false),
        Which::Long => (columns::usual(true), false),
        Which::Asked(names) => (names.to_vec(), true),
    };
    let mut grid = Grid::new(names.iter().map(|n| columns::column(n, asked)).collect());
    for server in servers {
        grid.push(names.iter().map(|n| columns::cell(server, n)).collect());
    }
    grid.lay(width, style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_narrow_terminal_shows_what_there_is() {
        let mut web = Server::new("sandbox-01", "127.0.0.1", "root", 22);
        let path = "/home/me/keys/of/this/room/id_ed25519";
        web.set_meta("local_cert_path", json!(path));
        let mut old = Server::new("x\u{1b}[2J", "h", "root", 22);
        old.set_meta("retired", json!(true));
        let all = [web, old];
        let table = |which, width| servers(&all, which, width, Style::PLAIN);
        let free = table(Which::Usual, None);
        assert!(free.text.starts_with("ID") && free.text.contains("YACHT"));
        assert_eq!(table(Which::Usual, Some(300)), free);
        insta::assert_snapshot!(table(Which::Usual, Some(60)).text, @r"
        ID          HOST       RETIRED  CERT
        sandbox-01  127.0.0.1           custom
                                        /home/me/keys/of/this/room/i
                                        d_ed25519
        x^[[2J      h          yes
        ");
        let narrow = table(Which::Usual, Some(25));
        assert_eq!(narrow.dropped, ["RETIRED", "CERT"]);
        assert_eq!(
            table(Which::Usual, Some(1)).text,
            "ID\nsandbox-01\nx^[[2J\n"
        );
        let names = ["id".to_owned(), "cert".to_owned()];
        assert!(
            table(Which::Asked(&names), Some(1))
                .text
                .starts_with("ID          CERT\n")
        );
    }

    #[test]
    fn a_retired_server_is_faint() {
        let mut old = Server::new("old", "h", "root", 22);
        old.set_meta("retired", json!(true));
        let text = servers(&[old], Which::Usual, None, Style::new(Some(true), true)).text;
        assert!(text.contains("\x1b[2mold\x1b[0m"), "{text:?}");
    }
}
