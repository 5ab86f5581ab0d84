//! The worked examples of `docs/taxes.md`, computed by the functions by which orders are placed.

use super::model::{id, order};
use crate::{
    domain::{Fulfilment, Order, Totals, set_taxes},
    view::view,
};
use contracts::{
    money::Currency,
    order::OrderItem,
    tax::{ClassRate, TaxClass, TaxTotal, Taxation},
};

const PAGE: &str = include_str!("../../../../docs/taxes.md");

/// The cells of the rows of the table whose first column is called `first`.
fn rows(first: &str) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let table = PAGE.lines().skip_while(|line| !line.starts_with(&format!("| {first} |"))).take_while(|line| line.starts_with('|'));
    table.skip(2).map(cells).collect()
}

fn number(text: &str) -> i64 {
    text.trim().parse().unwrap_or_else(|_| panic!("{text} is a number"))
}

/// Returns the rates of a destination. That the catalogue finds them so is tested there.
fn taxation(destination: &str, prices_include_tax: bool) -> Taxation {
    let (country, state) = destination.split_once(' ').unwrap_or((destination, ""));
    let state = if state == "Texas" { "TX" } else { state };
    let rates = rows("country").into_iter().filter(|row| row[0] == country && (row[1].is_empty() || row[1] == state));
    let rate = |row: Vec<&str>| ClassRate { tax_class: row[2].parse().unwrap(), basis_points: row[3].parse().unwrap() };
    Taxation { prices_include_tax, has_rates: true, rates: rates.map(rate).collect() }
}

/// Returns a line, its class and the tax that the page says, of `quantity × price CLASS - discount = tax`.
fn line(at: u32, text: &str) -> (OrderItem, TaxClass, i64) {
    let (left, tax) = text.split_once('=').unwrap();
    let (goods, discount) = left.split_once('-').unwrap_or((left, "0"));
    let (quantity, rest) = goods.split_once('×').unwrap();
    let (price, class) = rest.trim().split_once(' ').unwrap();
    let item = OrderItem {
        order_item_id: id(5, at),
        product_id: id(6, at),
        unit_price_snapshot: number(price),
        quantity: u32::try_from(number(quantity)).unwrap(),
        line_total_amount: number(price) * number(quantity),
        discount_amount: number(discount),
        ..order().items.remove(0)
    };
    (item, class.trim().parse().unwrap(), number(tax))
}

#[test]
fn the_examples_of_the_page_are_what_orders_cost() {
    let examples = rows("example");
    assert_eq!(examples.len(), 12);
    for row in examples {
        let &[name, destination, prices, lines, shipping, subtotal, discount, tax, total, by_rate] = row.as_slice() else {
            panic!("{row:?}")
        };
        let (included, currency) = prices.split_once(" tax, ").unwrap();
        let taxation = taxation(destination, included == "include");
        let currency: Currency = currency.parse().unwrap();
        let lines: Vec<_> = (1..).zip(lines.split(';')).map(|(at, text)| line(at, text)).collect();
        let (fee, fee_tax) = shipping.split_once('=').unwrap();
        let mut items: Vec<OrderItem> = lines.iter().map(|(item, ..)| item.clone()).collect();
        let mut fulfilments = vec![Fulfilment::new(id(20, 1), None, number(fee))];
        let class_of = |product| lines.iter().find(|(item, ..)| item.product_id == product).expect("a line").1;

        set_taxes(&taxation, class_of, &mut items, &mut fulfilments);
        let totals = Totals::of(&items, &fulfilments, currency, taxation.prices_include_tax).unwrap();
        let taxes: Vec<i64> = items.iter().map(|item| item.tax_amount).collect();
        assert_eq!(taxes, lines.iter().map(|line| line.2).collect::<Vec<_>>(), "{name}");
        assert_eq!(fulfilments[0].shipping_tax_amount, number(fee_tax), "{name}");
        let expected = [subtotal, discount, tax, total].map(number);
        assert_eq!([totals.subtotal_amount, totals.discount_amount, totals.tax_amount, totals.total_amount], expected, "{name}");
        let shown = view(Order { items, fulfilments, totals, currency, ..order() }, Vec::new());
        let expected: Vec<TaxTotal> = by_rate
            .split(';')
            .map(|rate| {
                let (points, amounts) = rate.split_once(':').unwrap();
                let (net, tax) = amounts.split_once('+').unwrap();
                TaxTotal { basis_points: points.trim().parse().unwrap(), net_amount: number(net), tax_amount: number(tax) }
            })
            .collect();
        assert_eq!(shown.taxes, expected, "{name}");
    }
}
