use super::*;
use contracts::ids::Uuid;
use contracts::money::MAX_AMOUNT;
use proptest::{collection::vec, prelude::*};

const NOW: Timestamp = Timestamp(1_767_225_600_000_000);

fn id<T: From<Uuid>>(number: u128) -> T {
    T::from(Uuid::from_u128(number))
}

fn quote(price: i64, available: Option<i64>) -> Quote {
    Quote {
        sku: "MUG-1".into(),
        title: "A mug".into(),
        price: Money::new(price, Currency::EUR),
        available,
        max_quantity: 999,
        image_url: None,
        seller_id: None,
        category_ids: Vec::new(),
    }
}

fn quotes(quotes: impl IntoIterator<Item = (u128, Listing)>) -> Quotes {
    Quotes { listings: quotes.into_iter().map(|(product, listing)| (id(product), listing)).collect(), taxation: None }
}

fn count(quantity: u32) -> Quantity {
    Quantity::new(quantity.into()).unwrap()
}

fn empty() -> Cart {
    Cart::empty(id(1), id(2), Currency::EUR, NOW)
}

/// A cart with one line: `quantity` of product 10 at 500.
fn cart_of(quantity: u32) -> Cart {
    let mut cart = empty();
    cart.add(id(100), id(10), &quote(500, None), count(quantity)).unwrap();
    cart
}

fn codes(view: &cart::Cart) -> Vec<WarningCode> {
    view.warnings.iter().map(|warning| warning.code).collect()
}

#[test]
fn adding_a_product_again_adds_to_its_line_up_to_999() {
    let mut cart = cart_of(990);
    assert_eq!(cart.add(id(101), id(10), &quote(500, None), count(9)).unwrap().quantity, 999);
    assert!(matches!(cart.add(id(102), id(10), &quote(500, None), count(1)), Err(Error::QuantityTooLarge { requested: 1_000, max: 999 })));
    assert_eq!(cart.lines.len(), 1);
}

#[test]
fn a_line_with_its_added_units_never_exceeds_the_stock() {
    let mut cart = cart_of(2);
    let refused = cart.add(id(101), id(10), &quote(500, Some(4)), count(3));
    let Err(Error::Short(shortage)) = refused else { panic!("{refused:?}") };
    assert_eq!((shortage.requested, shortage.available), (5, 4));
    assert_eq!(cart.add(id(101), id(10), &quote(500, Some(4)), count(2)).unwrap().quantity, 4);
}

#[test]
fn a_cart_holds_200_lines_and_then_only_more_of_them() {
    let mut cart = empty();
    for product in 0..MAX_LINES as u128 {
        cart.add(id(1_000 + product), id(product), &quote(1, None), count(1)).unwrap();
    }
    assert!(matches!(cart.add(id(5), id(9_999), &quote(1, None), count(1)), Err(Error::Full)));
    assert!(cart.add(id(5), id(7), &quote(1, None), count(1)).is_ok());
}

#[test]
fn the_first_product_decides_the_currency_until_the_cart_is_empty_again() {
    let dollars = Quote { price: Money::new(1, Currency::USD), ..quote(1, None) };
    let mut cart = cart_of(1);
    assert!(matches!(cart.add(id(101), id(11), &dollars, count(1)), Err(Error::CurrencyMismatch { .. })));
    cart.remove(id(100), Currency::EUR).unwrap();
    cart.add(id(101), id(11), &dollars, count(1)).unwrap();
    assert_eq!(cart.currency, Currency::USD);
    cart.remove(id(101), Currency::EUR).unwrap();
    assert_eq!(cart.currency, Currency::EUR);
}

#[test]
fn a_sum_past_every_bound_is_refused() {
    let mut cart = empty();
    cart.add(id(100), id(10), &quote(MAX_AMOUNT, None), count(1)).unwrap();
    assert!(matches!(cart.clone().add(id(101), id(11), &quote(1, None), count(1)), Err(Error::AmountTooLarge)));
    assert!(matches!(cart.set_quantity(id(100), &Quotes::default(), count(2)), Err(Error::AmountTooLarge)));
}

#[test]
fn a_full_cart_at_the_highest_price_can_be_shown() {
    let mut cart = empty();
    for product in 0..MAX_LINES as u128 {
        cart.add(id(1_000 + product), id(product), &quote(1, None), count(999)).unwrap();
    }
    let dear = quotes((0..MAX_LINES as u128).map(|product| (product, Listing::OnSale(quote(MAX_AMOUNT, None)))));
    cart.requote(&dear);
    assert_eq!(cart.view(&dear).subtotal_amount, MAX_AMOUNT * 999 * 200);
}

#[test]
fn a_changed_price_is_shown_with_both_prices_as_long_as_it_differs() {
    let mut cart = cart_of(2);
    let dearer = quotes([(10, Listing::OnSale(quote(700, None)))]);
    assert_eq!(cart.requote(&dearer).len(), 1);
    assert!(cart.requote(&dearer).is_empty(), "the same quotes again change nothing");
    for known in [&dearer, &Quotes::default()] {
        let view = cart.view(known);
        assert_eq!((view.subtotal_amount, view.items[0].unit_price_snapshot), (1400, 700));
        assert_eq!(codes(&view), [WarningCode::PriceChanged]);
        assert_eq!((view.warnings[0].old_unit_price_amount, view.warnings[0].new_unit_price_amount), (Some(500), Some(700)));
    }
    cart.requote(&quotes([(10, Listing::OnSale(quote(500, None)))]));
    assert!(cart.view(&Quotes::default()).warnings.is_empty());
}

#[test]
fn setting_or_adding_a_quantity_accepts_the_price_that_was_shown() {
    let dearer = quotes([(10, Listing::OnSale(quote(700, None)))]);
    let mut cart = cart_of(2);
    cart.requote(&dearer);
    cart.set_quantity(id(100), &dearer, count(2)).unwrap();
    assert_eq!(codes(&cart.view(&dearer)), []);
    let mut cart = cart_of(2);
    cart.requote(&dearer);
    cart.add(id(101), id(10), &quote(700, None), count(1)).unwrap();
    assert_eq!(codes(&cart.view(&dearer)), []);
    // The next change is compared with the accepted price.
    let dearest = quotes([(10, Listing::OnSale(quote(900, None)))]);
    cart.requote(&dearest);
    let warning = &cart.view(&dearest).warnings[0];
    assert_eq!((warning.old_unit_price_amount, warning.new_unit_price_amount), (Some(700), Some(900)));
}

#[test]
fn a_line_shows_the_available_units_and_grows_with_the_stock() {
    let mut cart = cart_of(5);
    let few = quotes([(10, Listing::OnSale(quote(500, Some(3))))]);
    cart.requote(&few);
    let view = cart.view(&few);
    assert_eq!((view.items[0].quantity, view.items[0].line_total_amount, view.subtotal_amount), (3, 1500, 1500));
    assert_eq!((codes(&view), view.warnings[0].available_qty), (vec![WarningCode::QuantityCapped], Some(3)));
    let plenty = quotes([(10, Listing::OnSale(quote(500, Some(30))))]);
    cart.requote(&plenty);
    assert_eq!((cart.lines[0].quantity, cart.view(&plenty).warnings.len()), (5, 0));
    cart.requote(&few);
    cart.set_quantity(id(100), &few, count(2)).unwrap();
    assert!(cart.view(&few).warnings.is_empty(), "the quantity that was set is the wanted one");
}

#[test]
fn unavailable_lines_are_not_in_the_subtotal() {
    let foreign = Quote { price: Money::new(1, Currency::USD), ..quote(1, None) };
    for listing in [Listing::OffSale, Listing::OnSale(quote(900, Some(0))), Listing::OnSale(foreign)] {
        let mut cart = cart_of(2);
        cart.add(id(101), id(11), &quote(30, None), count(1)).unwrap();
        let now = quotes([(10, listing)]);
        cart.requote(&now);
        let view = cart.view(&now);
        assert_eq!((codes(&view), view.subtotal_amount), (vec![WarningCode::Unavailable], 30));
        assert_eq!((view.items[0].quantity, view.items[0].currency), (2, Currency::EUR));
    }
}

#[test]
fn an_order_takes_its_lines_and_leaves_what_came_later() {
    let mut cart = cart_of(3);
    cart.add(id(101), id(11), &quote(30, None), count(2)).unwrap();
    cart.add(id(102), id(12), &quote(40, None), count(1)).unwrap();
    let ordered = [(10, 3), (11, 1)].map(|(product, quantity)| CheckedOutItem { product_id: id(product), quantity });
    let split = cart.check_out(id(50), &ordered, NOW, || id(900)).unwrap();
    let parts = |lines: &[Line]| lines.iter().map(|line| (line.cart_item_id, line.quantity)).collect::<Vec<_>>();
    assert_eq!(parts(&split.left), [(id(101), 1), (id(102), 1)], "what is left keeps its ids");
    assert_eq!(parts(&split.taken), [(id(900), 1)]);
    assert_eq!(parts(&cart.lines), [(id(100), 3), (id(900), 1)]);
    assert_eq!((cart.status, cart.order_id), (CartStatus::CheckedOut, Some(id(50))));
    assert_eq!(cart.check_out(id(51), &ordered, NOW, || id(901)), None, "a second order gets nothing");
    assert_eq!(cart.order_id, Some(id(50)));
}

#[test]
fn a_line_that_an_order_did_not_take_keeps_what_was_wanted() {
    let mut cart = cart_of(5);
    cart.requote(&quotes([(10, Listing::OnSale(quote(700, Some(3))))]));
    let before = cart.lines.clone();
    let later = Timestamp(NOW.0 + 1);
    let split = cart.check_out(id(50), &[], later, || id(900)).unwrap();
    assert_eq!((split.left, split.taken.len(), cart.lines.len()), (before, 0, 0));
    assert_eq!((cart.updated_at, cart.seen_at), (later, NOW));
}

#[test]
fn a_change_by_the_owner_sets_both_times() {
    let mut cart = cart_of(1);
    let later = Timestamp(NOW.0 + 1);
    cart.mark_changed(later);
    assert_eq!((cart.created_at, cart.updated_at, cart.seen_at), (NOW, later, later));
}

#[test]
fn a_quantity_is_set_within_the_present_listing() {
    let dollars = Quote { price: Money::new(1, Currency::USD), ..quote(1, None) };
    let mut cart = cart_of(1);
    let mut set = |listing, quantity| cart.set_quantity(id(100), &quotes([(10, listing)]), count(quantity)).map(|line| line.quantity);
    assert!(matches!(set(Listing::OffSale, 1), Err(Error::Unavailable)));
    assert!(matches!(set(Listing::OnSale(dollars), 1), Err(Error::CurrencyMismatch { .. })));
    assert!(matches!(set(Listing::OnSale(quote(500, Some(3))), 4), Err(Error::Short(_))));
    assert_eq!(set(Listing::OnSale(quote(500, Some(3))), 3).unwrap(), 3);
    assert!(matches!(cart.set_quantity(id(101), &Quotes::default(), count(1)), Err(Error::NotFound)));
}

#[test]
fn a_new_quote_changes_title_and_price_but_not_the_currency() {
    let mut cart = cart_of(2);
    let before = cart.lines.clone();
    let foreign = Quote { price: Money::new(900, Currency::USD), title: "Une tasse".into(), ..quote(1, Some(1)) };
    assert!(cart.requote(&quotes([(10, Listing::OnSale(foreign))])).is_empty());
    assert_eq!(cart.lines, before);
    let renamed = Quote { title: "A better mug".into(), ..quote(500, None) };
    assert_eq!(cart.requote(&quotes([(10, Listing::OnSale(renamed))])).len(), 1);
    assert_eq!(cart.lines[0].title, "A better mug");
}

fn returned(product: u128, quantity: u32) -> OrderItem {
    OrderItem {
        order_item_id: id(70),
        product_id: id(product),
        sku: "MUG-1".into(),
        title_snapshot: "A mug".into(),
        unit_price_snapshot: 450,
        quantity,
        line_total_amount: 450 * i64::from(quantity),
        image_url: None,
        seller_id: None,
        discount_amount: 0,
        seller_discount_amount: 0,
        tax_amount: 0,
        tax_basis_points: None,
        returned_quantity: 0,
    }
}

#[test]
fn restored_lines_are_merged_and_capped() {
    let mut cart = cart_of(600);
    let changed = cart.restore_lines(&[returned(10, 500), returned(11, 2)], Currency::EUR, 999, || id(900));
    assert_eq!(changed, cart.lines);
    assert_eq!(cart.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [999, 2]);
    let view = cart.view(&Quotes::default());
    assert_eq!(codes(&view), [WarningCode::QuantityCapped]);
    let plenty = quotes([(10, Listing::OnSale(quote(500, Some(5_000))))]);
    assert!(cart.requote(&plenty).is_empty(), "999 is the most however many there are");
}

#[test]
fn lines_that_do_not_fit_are_not_restored() {
    let mut cart = cart_of(1);
    assert!(cart.restore_lines(&[returned(11, 1)], Currency::USD, 999, || id(900)).is_empty());
    let mut odd = empty();
    odd.restore_lines(&[returned(11, 0), returned(12, 1_200)], Currency::EUR, 999, || id(900));
    assert_eq!(odd.lines.iter().map(|line| (line.quantity, line.wanted)).collect::<Vec<_>>(), [(1, 1), (999, 1_200)]);
    let mut full = empty();
    for product in 0..MAX_LINES as u128 {
        full.add(id(1_000 + product), id(product), &quote(1, None), count(1)).unwrap();
    }
    let changed = full.restore_lines(&[returned(9_999, 1), returned(7, 1)], Currency::EUR, 999, || id(900));
    assert_eq!(changed.iter().map(|line| line.product_id).collect::<Vec<_>>(), [id(7)]);
    let mut fresh = empty();
    fresh.restore_lines(&[returned(11, 1)], Currency::USD, 999, || id(900));
    assert_eq!(fresh.currency, Currency::USD, "an empty cart takes the order's currency");
}

/// A change of a cart.
#[derive(Debug, Clone)]
enum Step {
    Add { product: u128, quantity: u32, price: i64 },
    Set { line: usize, quantity: u32 },
    Remove { line: usize },
    Requote { product: u128, price: i64, available: Option<i64> },
    OffSale { product: u128 },
    Restore { product: u128, quantity: u32 },
    CheckOut { product: u128, quantity: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    let product = 0..6_u128;
    let price = prop_oneof![1..10_000_i64, Just(MAX_AMOUNT)];
    let quantity = 1..=999_u32;
    prop_oneof![
        4 => (product.clone(), quantity.clone(), price.clone()).prop_map(|(product, quantity, price)| Step::Add { product, quantity, price }),
        2 => (0..8_usize, quantity.clone()).prop_map(|(line, quantity)| Step::Set { line, quantity }),
        1 => (0..8_usize).prop_map(|line| Step::Remove { line }),
        2 => (product.clone(), price, proptest::option::of(0..2_000_i64))
            .prop_map(|(product, price, available)| Step::Requote { product, price, available }),
        1 => product.clone().prop_map(|product| Step::OffSale { product }),
        1 => (product.clone(), quantity.clone()).prop_map(|(product, quantity)| Step::Restore { product, quantity }),
        1 => (product, quantity).prop_map(|(product, quantity)| Step::CheckOut { product, quantity }),
    ]
}

fn units(lines: &[Line], product: ProductId) -> u64 {
    lines.iter().filter(|line| line.product_id == product).map(|line| u64::from(line.quantity)).sum()
}

/// Checks what holds for every cart: sums, bounds, one line per product, positions in order.
fn check_invariants(cart: &Cart) -> Result<(), TestCaseError> {
    let view = cart.view(&Quotes::default());
    let totals: i64 = view.items.iter().map(|item| item.line_total_amount).sum();
    prop_assert_eq!(view.subtotal_amount, totals);
    for (item, line) in view.items.iter().zip(&cart.lines) {
        prop_assert_eq!(item.line_total_amount, item.unit_price_snapshot * i64::from(item.quantity));
        prop_assert!((1..=999).contains(&line.quantity) && line.quantity <= line.wanted, "{:?}", line);
    }
    let mut products: Vec<_> = cart.lines.iter().map(|line| line.product_id).collect();
    products.sort();
    products.dedup();
    prop_assert_eq!(products.len(), cart.lines.len());
    prop_assert!(cart.lines.windows(2).all(|pair| pair[0].position < pair[1].position));
    Ok(())
}

proptest! {
    #[test]
    fn sums_are_exact_and_no_unit_is_lost_whatever_happens(steps in vec(step(), 1..60)) {
        let mut cart = empty();
        let mut known = Quotes::default();
        for (number, step) in steps.into_iter().enumerate() {
            let fresh = id(10_000 + number as u128);
            let mut next = cart.clone();
            let line = |at: usize| cart.lines.get(at).map_or(id(1), |line| line.cart_item_id);
            let done = match step {
                Step::Add { product, quantity, price } => next.add(fresh, id(product), &quote(price, None), count(quantity)).map(|_| ()),
                Step::Set { line: at, quantity } => next.set_quantity(line(at), &known, count(quantity)).map(|_| ()),
                Step::Remove { line: at } => next.remove(line(at), Currency::EUR).map(|_| ()),
                Step::Requote { product, price, available } => {
                    known.listings.insert(id(product), Listing::OnSale(quote(price, available)));
                    next.requote(&known);
                    Ok(())
                }
                Step::OffSale { product } => {
                    known.listings.insert(id(product), Listing::OffSale);
                    next.requote(&known);
                    Ok(())
                }
                Step::Restore { product, quantity } => {
                    next.restore_lines(&[returned(product, quantity)], Currency::EUR, 999, || fresh);
                    Ok(())
                }
                Step::CheckOut { product, quantity } => {
                    let split = next.check_out(id(50), &[CheckedOutItem { product_id: id(product), quantity }], NOW, || fresh).unwrap();
                    for line in &cart.lines {
                        let of = line.product_id;
                        prop_assert_eq!(units(&next.lines, of) + units(&split.left, of), units(&cart.lines, of));
                    }
                    check_invariants(&next)?;
                    next = Cart { lines: split.left, ..empty() };
                    Ok(())
                }
            };
            // After an error the cart is as it was.
            if done.is_ok() {
                cart = next;
            }
            check_invariants(&cart)?;
        }
    }
}

#[test]
fn lines_of_a_guest_follow_the_own_ones_with_ids_of_their_own_while_there_is_room() {
    let mut guest = empty();
    guest.add(id(800), id(10), &quote(500, None), count(3)).unwrap();
    guest.add(id(801), id(11), &quote(100, None), count(1)).unwrap();
    let mut cart = cart_of(2);
    let (own, next) = (cart.lines[0].cart_item_id, cart.next_position());
    let changed = cart.merge(&guest, 999, || id(900));
    assert_eq!(changed, cart.lines);
    assert_eq!(cart.lines.iter().map(|line| (line.cart_item_id, line.quantity)).collect::<Vec<_>>(), [(own, 5), (id(900), 1)]);
    let mut own = empty();
    for product in 1_000..1_000 + MAX_LINES as u128 {
        own.add(id(product), id(product), &quote(1, None), count(1)).unwrap();
    }
    own.lines.pop();
    let next_of_full = own.next_position();
    assert_eq!(own.merge(&guest, 999, || id(900)).iter().map(|line| line.position).collect::<Vec<_>>(), [next_of_full]);
    assert_eq!((own.lines.len(), cart.lines[1].position), (MAX_LINES, next));
}
