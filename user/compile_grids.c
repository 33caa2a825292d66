/* SPDX-License-Identifier: BSD-2-Clause */
#include "compile_grids.h"

/*
 * Each cell of a near or far grid has the set of terms that its port class and its address class
 * share, and equal sets are one class of that end: so a thousand rules with a thousand ports and
 * peers give a thousand classes an end, not a million. Work grows with the terms that cells hold,
 * not with terms times cells.
 *
 * Of terms that are alike at the other end only the first can ever win, so a cell keeps that one
 * alone. The first term that two cells have in common is never one that is left out: what it was
 * left out for would be a common one, and earlier. Without this a thousand overlapping ranges for
 * a thousand overlapping peers would give a class to each combination.
 */
struct builder {
	struct arena *scratch;
	const struct terms *terms;
	const struct address_classes *addresses;
	const struct port_classes *ports;
	enum direction direction;
	struct diagnostics *diagnostics;
	struct tables *tables;
	struct class_holders rows_of_term[END_COUNT]; /* where the ports of that end are used */
	uint32_t *groups[END_COUNT]; /* by term: those alike at that end have the same number */
	uint32_t group_count[END_COUNT];
};

/* One grid of an end while its columns are filled. */
struct end_grid {
	enum end end;
	struct grid *grid;
	struct class_sets *sets; /* of terms: the classes of this end */
	uint32_t *start;	 /* by row: where its terms begin in members */
	number_list terms;	 /* of the column */
	uint32_t *members;	 /* terms of the column's cells, row by row */
	size_t members_capacity;
	uint32_t *cell_of_group; /* by group of the other end: the last cell that has it, + 1 */
};

static int grid_allocate(struct builder *builder, uint32_t rows, uint32_t columns, struct grid *ret)
{
	uint64_t cells = (uint64_t)rows * columns;

	if (cells > DECISION_CELLS_MAX)
		return compile_over(builder->diagnostics, DECISION_CELLS_MAX,
				    "combinations of ports and addresses in one table",
				    "use the same ports and the same sets of addresses in more of "
				    "the rules");
	*ret = (struct grid){
		.cells = arena_alloc(builder->tables->arena, cells * sizeof(*ret->cells)),
		.rows = rows,
		.columns = columns,
	};
	return 0;
}

static const struct port_classes *ports_of(const struct builder *builder, enum end end)
{
	return &builder->ports[port_side_of(builder->direction, end)];
}

/* The rows of a term: the classes of its ports, or the only one. */
static uint32_t term_rows(const struct builder *builder, enum end end, uint32_t term,
			  const uint32_t **ret_rows)
{
	static const uint32_t only_row = 0;
	const struct class_holders *rows = &builder->rows_of_term[end];

	if (!ports_of(builder, end)->used) {
		*ret_rows = &only_row;
		return 1;
	}
	*ret_rows = &rows->items[rows->start[term]];
	return rows->start[term + 1] - rows->start[term];
}

/* Terms with the same ports (and so the same protocol, where ports are used) and the same address
 * list at this end. */
static void group_terms(struct builder *builder, enum end end)
{
	const struct terms *terms = builder->terms;
	uint32_t limit = (uint32_t)terms->items.count;
	uint32_t everywhere = (uint32_t)terms->lists.count;
	struct class_sets *rows = class_sets_new(builder->scratch);
	struct class_sets *groups = class_sets_new(builder->scratch);

	builder->rows_of_term[end] =
		class_sets_holders(ports_of(builder, end)->sets, builder->scratch, limit);
	builder->groups[end] = arena_alloc(builder->scratch, limit * sizeof(uint32_t));
	for (uint32_t i = 0; i < limit; i++) {
		uint32_t list = terms->items.items[i].lists[end];
		const uint32_t *items;
		uint32_t count = term_rows(builder, end, i, &items);
		/* Lists are numbered below what stands for the ports. */
		uint32_t key[] = {
			list == LIST_EVERYWHERE ? everywhere : list,
			everywhere + 1 + class_sets_add(rows, items, count),
		};

		builder->groups[end][i] = class_sets_add(groups, key, 2);
	}
	builder->group_count[end] = class_sets_count(groups);
}

/* Sorts the column's terms into its cells; they stay ascending in each. */
static void spread_column(struct builder *builder, struct end_grid *end)
{
	const uint32_t *rows;
	size_t total = 0;

	for (uint32_t row = 0; row <= end->grid->rows; row++)
		end->start[row] = 0;
	list_for_each (term, &end->terms) {
		uint32_t count = term_rows(builder, end->end, *term, &rows);

		for (uint32_t i = 0; i < count; i++)
			end->start[rows[i] + 1]++;
		total += count;
	}
	for (uint32_t row = 0; row < end->grid->rows; row++)
		end->start[row + 1] += end->start[row];
	if (total > end->members_capacity) {
		end->members_capacity = total * 2;
		end->members = arena_alloc(builder->scratch,
					   end->members_capacity * sizeof(*end->members));
	}
	/* Each start moves to its row's end, which is where the next row begins. */
	list_for_each (term, &end->terms) {
		uint32_t count = term_rows(builder, end->end, *term, &rows);

		for (uint32_t i = 0; i < count; i++)
			end->members[end->start[rows[i]]++] = *term;
	}
}

/* Leaves the first term of each group of the other end in a cell. Returns how many there are. */
static uint32_t first_of_groups(struct builder *builder, struct end_grid *end, size_t cell,
				uint32_t *members, uint32_t count)
{
	const uint32_t *groups = builder->groups[end->end == END_NEAR ? END_FAR : END_NEAR];
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t *last = &end->cell_of_group[groups[members[i]]];

		if (*last == cell + 1)
			continue;
		*last = (uint32_t)(cell + 1);
		members[kept++] = members[i];
	}
	return kept;
}

static int fill_column(struct builder *builder, struct end_grid *end, uint32_t column)
{
	uint32_t from = 0;

	for (uint32_t row = 0; row < end->grid->rows; row++) {
		size_t cell = (size_t)row * end->grid->columns + column;
		uint32_t *members = &end->members[from];
		uint32_t count = end->start[row] - from;
		uint32_t class_id;

		from = end->start[row];
		if (!count)
			continue;
		count = first_of_groups(builder, end, cell, members, count);
		class_id = class_sets_add(end->sets, members, count);
		if (class_id > CLASSES_MAX)
			return compile_over(builder->diagnostics, CLASSES_MAX,
					    "combinations of ports and addresses that rules tell "
					    "apart",
					    "use the same ports and the same sets of addresses in "
					    "more of the rules");
		end->grid->cells[cell] = (uint16_t)class_id;
	}
	return 0;
}

static int build_end(struct builder *builder, enum end which, struct grid *grid,
		     struct class_sets **ret_sets)
{
	uint32_t columns = which == END_NEAR ? builder->addresses->local_count
					     : (uint32_t)builder->addresses->key_of.count;
	uint32_t others = builder->group_count[which == END_NEAR ? END_FAR : END_NEAR];
	struct end_grid end = {
		.end = which,
		.grid = grid,
		.sets = class_sets_new(builder->scratch),
	};
	int error = grid_allocate(builder, class_sets_count(ports_of(builder, which)->sets),
				  columns, grid);

	if (error)
		return error;
	end.start = arena_alloc(builder->scratch, (grid->rows + 1) * sizeof(*end.start));
	end.cell_of_group = arena_alloc(builder->scratch, others * sizeof(*end.cell_of_group));
	for (uint32_t column = 0; column < columns; column++) {
		address_class_terms(builder->addresses, builder->terms, column, which,
				    builder->direction, builder->scratch, &end.terms);
		if (!end.terms.count)
			continue;
		spread_column(builder, &end);
		error = fill_column(builder, &end, column);
		if (error)
			return error;
	}
	*ret_sets = end.sets;
	return 0;
}

/* From the last term to the first, so that the rule that comes first is written last. */
static int build_decisions(struct builder *builder, const struct class_sets *near,
			   const struct class_sets *far, struct grid *grid)
{
	const struct term *terms = builder->terms->items.items;
	struct class_holders columns =
		class_sets_holders(far, builder->scratch, (uint32_t)builder->terms->items.count);
	int error = grid_allocate(builder, class_sets_count(near), class_sets_count(far), grid);

	if (error)
		return error;
	for (uint32_t row = 0; row < grid->rows; row++) {
		uint16_t *cells = &grid->cells[(size_t)row * grid->columns];
		struct class_set set = class_sets_get(near, row);

		for (uint32_t i = set.count; i-- > 0;) {
			uint32_t term = set.items[i];

			for (uint32_t j = columns.start[term]; j < columns.start[term + 1]; j++)
				cells[columns.items[j]] =
					(uint16_t)((terms[term].rule + 1) | terms[term].options);
		}
	}
	return 0;
}

int compile_grids(struct arena *scratch, const struct terms *terms,
		  const struct address_classes *addresses,
		  const struct port_classes ports[PORT_SIDE_COUNT], enum direction direction,
		  struct diagnostics *diagnostics, struct tables *tables)
{
	struct builder builder = {
		.scratch = scratch,
		.terms = terms,
		.addresses = addresses,
		.ports = ports,
		.direction = direction,
		.diagnostics = diagnostics,
		.tables = tables,
	};
	struct class_sets *near;
	struct class_sets *far;
	int error;

	group_terms(&builder, END_NEAR);
	group_terms(&builder, END_FAR);
	error = build_end(&builder, END_NEAR, &tables->near[direction], &near);
	if (!error)
		error = build_end(&builder, END_FAR, &tables->far[direction], &far);
	if (!error)
		error = build_decisions(&builder, near, far, &tables->decisions[direction]);
	return error;
}
