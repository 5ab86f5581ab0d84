-- An empty list is that of an order of earlier versions: it is read with one fulfilment, which has its id.
UPDATE orders SET fulfilments = '[]' WHERE fulfilments IS NULL;
