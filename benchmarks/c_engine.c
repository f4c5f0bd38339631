/* The whole model as one C program: the next-event loop, written by hand. The rules are put in by c_program.py.

A hazard's opportunities do not depend on the world, only what is made of them does. So they are made a span of days at a time,
all hazards' in one list sorted by day, off the critical path; timers and responses, which are few, are searched one by one.
The same day: the slot that comes first in the register goes first, as priorities do in the reference engine. */

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* the mathematical library's own functions, never worked out by the compiler; they touch no memory */
/*LIBRARY*/

/* Python's min, max and modulo */
static inline double least_d(double a, double b) { return b < a ? b : a; }
static inline double most_d(double a, double b) { return b > a ? b : a; }
static inline int64_t least_i(int64_t a, int64_t b) { return b < a ? b : a; }
static inline int64_t most_i(int64_t a, int64_t b) { return b > a ? b : a; }
static inline int64_t modulo(int64_t a, int64_t b)
{
    const int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/*RULES*/

/* -- luck: Philox4x64-10, as numpy.random.Philox gives it ------------------------------------------------------------------ */
enum { TIMING = 0, EVENT = 1, ROUNDS = 10 };

typedef struct {
    uint64_t a[ROUNDS], b[ROUNDS];
} Keys; /* of the rounds, for one replication */

static inline double unit(uint64_t bits) { return (double)(int64_t)(bits >> 11) * 0x1p-53; }

static inline void draw(const Keys *restrict keys, uint64_t n, uint64_t stream, uint64_t word, double luck[4])
{
    uint64_t c0 = n, c1 = stream, c2 = word, c3 = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const unsigned __int128 x = (unsigned __int128)c0 * 0xD2E7470EE14C6C93u;
        const unsigned __int128 y = (unsigned __int128)c2 * 0xCA5A826395121157u;
        c0 = (uint64_t)(y >> 64) ^ c1 ^ keys->a[round];
        c1 = (uint64_t)y;
        c2 = (uint64_t)(x >> 64) ^ c3 ^ keys->b[round];
        c3 = (uint64_t)x;
    }
    luck[0] = unit(c0), luck[1] = unit(c1), luck[2] = unit(c2), luck[3] = unit(c3);
}

/* -- one scenario, many replications ------------------------------------------------------------------------------------- */
enum { HAZARD = 0, TIMER = 1, RESPONSE = 2 };
enum {
    MOST_SLOTS = 256,
    AT_ONCE = 512,  /* opportunities expected in a span of days */
    ROOM = 4096,    /* at most */
    BUCKETS = 1024, /* to sort them */
    AHEAD = 8,      /* draws made at once, so that the processor can overlap them */
};

typedef struct {
    int64_t activity, kind, who;
    uint64_t stream;
    double cap;
} Slot; /* in the order of the register */

typedef struct {
    double day, bar; /* taken if the rate is above the bar */
    uint32_t slot, n;
} Opportunity;

typedef struct {
    double day, cap; /* of the next opportunity, which is made already */
    uint64_t n, stream;
    uint32_t slot;
    double gaps[AHEAD], bars[AHEAD]; /* of opportunity n at (n - 1) % AHEAD */
} Source; /* a hazard */

typedef struct {
    double seen;      /* a response's day as last seen */
    uint64_t n, word; /* of the luck */
    uint64_t stream;
    uint32_t slot, activity, who;
} Sleeper; /* a timer or a response */

typedef struct {
    World world;
    const Parameters *p;
    const Slot *slots;
    double horizon;
    Keys keys;
    int hazards, sleepers;
    Source source[MOST_SLOTS];
    Sleeper sleeper[MOST_SLOTS];
    double due[MOST_SLOTS];                             /* the sleepers' days */
    int response_at[ACTIVITIES], responses[ACTIVITIES]; /* by activity: its first sleeper, and how many it has */
    uint16_t ends[BUCKETS + 2], bucket[ROOM];
    Opportunity made[ROOM], sorted[ROOM];
} Run;

/* What an activity calls, by its number. The order of arguments is the translation's. */
static inline bool hazard_happens(Run *run, uint32_t activity, const Opportunity *o, int64_t *saturated)
{
    const Parameters *const p = run->p;
    World *const world = &run->world;
    const Slot *const slot = &run->slots[o->slot];
    const double day = o->day;
    const int64_t who = slot->who;
    double luck[4];
    double rate;
    switch (activity) {
#define CASE(id, cap, willingness, act)                       \
    case id:                                                  \
        rate = willingness(p, world, day, who);               \
        if (rate > cap) saturated[o->slot]++;                 \
        if (!(o->bar < rate)) return false;                   \
        draw(&run->keys, o->n, slot->stream, EVENT, luck);    \
        act(p, world, day, who, luck);                        \
        return true;
        HAZARDS(CASE)
#undef CASE
    }
    __builtin_unreachable();
}

/* A timer rings, or a response is due. */
static inline bool sleeper_happens(Run *run, int k, double day)
{
    const Parameters *const p = run->p;
    World *const world = &run->world;
    Sleeper *const s = &run->sleeper[k];
    const int64_t who = s->who;
    double luck[4];
    bool happens;
    switch (s->activity) {
#define CASE(id, next, ready, act)                                \
    case id:                                                      \
        s->n++;                                                   \
        happens = ready(p, world, day, who);                      \
        if (happens) {                                            \
            draw(&run->keys, s->n, s->stream, EVENT, luck);       \
            act(p, world, day, who, luck);                        \
        }                                                         \
        return happens;
        TIMERS(CASE)
#undef CASE
#define CASE(id, due_day, act)                                    \
    case id:                                                      \
        run->due[k] = INFINITY;                                   \
        draw(&run->keys, s->n, s->stream, s->word, luck);         \
        act(p, world, day, who, luck);                            \
        return true;
        RESPONSES(CASE)
#undef CASE
    }
    __builtin_unreachable();
}

/* The day a timer rings next. Asked after the responses to its event are known, as the reference engine does. */
static inline double next_ring(Run *run, int k, double day)
{
    const Parameters *const p = run->p;
    World *const world = &run->world;
    const int64_t who = run->sleeper[k].who;
    switch (run->sleeper[k].activity) {
#define CASE(id, next, ready, act) \
    case id:                       \
        return next(p, world, day, who);
        TIMERS(CASE)
#undef CASE
    }
    return run->due[k]; /* a response */
}

/* After an event: responses whose day has changed are due on another day, with the luck of this event. */
static inline void provoke(Run *run, double day, uint64_t n, uint64_t stream)
{
    const Parameters *const p = run->p;
    World *const world = &run->world;
#define CASE(id, due_day, act)                                                           \
    for (int k = run->response_at[id]; k < run->response_at[id] + run->responses[id]; k++) { \
        Sleeper *const s = &run->sleeper[k];                                             \
        const double due = due_day(p, world, s->who);                                    \
        if (due != s->seen) {                                                            \
            s->seen = due;                                                               \
            run->due[k] = most_d(due, day);                                              \
            s->n = n;                                                                    \
            s->word = stream;                                                            \
        }                                                                                \
    }
    RESPONSES(CASE)
#undef CASE
}

static inline int soonest(const Run *run)
{
    int first = 0;
    double day = run->due[0];
    for (int k = 1; k < run->sleepers; k++) {
        if (run->due[k] < day) {
            day = run->due[k];
            first = k;
        }
    }
    return first;
}

static inline void look_ahead(Source *s, const Keys *keys)
{
    double left[AHEAD];
    for (int k = 0; k < AHEAD; k++) {
        double luck[4];
        draw(keys, s->n + (uint64_t)k, s->stream, TIMING, luck);
        left[k] = 1.0 - luck[0];
        s->bars[k] = luck[1] * s->cap;
    }
    for (int k = 0; k < AHEAD; k++) s->gaps[k] = log(left[k]) / s->cap;
}

static inline void next_opportunity(Source *s, const Keys *keys)
{
    const uint64_t at = s->n++ % AHEAD;
    if (at == 0) look_ahead(s, keys);
    s->day -= s->gaps[at];
}

/* All opportunities after `start` and up to `end`, sorted by day; on the same day, by slot. Their number, or -1: no room. */
static int opportunities(Run *run, double start, double end)
{
    const Keys keys = run->keys;
    const double scale = BUCKETS / (end - start);
    int count = 0;
    memset(run->ends, 0, sizeof run->ends);
    for (int h = 0; h < run->hazards; h++) {
        Source *const s = &run->source[h];
        while (s->day <= end) {
            if (count == ROOM) return -1;
            run->made[count] = (Opportunity){s->day, s->bars[(s->n - 1) % AHEAD], s->slot, (uint32_t)s->n};
            const int bucket = (int)((s->day - start) * scale);
            run->bucket[count++] = (uint16_t)bucket;
            run->ends[bucket + 1]++;
            next_opportunity(s, &keys);
        }
    }
    for (int b = 1; b <= BUCKETS + 1; b++) run->ends[b] += run->ends[b - 1];
    for (int k = 0; k < count; k++) run->sorted[run->ends[run->bucket[k]]++] = run->made[k];
    for (int k = 1; k < count; k++) { /* few are out of place, and not far */
        const Opportunity o = run->sorted[k];
        int at = k;
        for (; at > 0 && run->sorted[at - 1].day > o.day; at--) run->sorted[at] = run->sorted[at - 1];
        run->sorted[at] = o;
    }
    return count;
}

static void set_out(Run *run, const World *first, uint64_t seed, uint64_t replication)
{
    for (int round = 0; round < ROUNDS; round++) {
        run->keys.a[round] = seed + (uint64_t)round * 0x9E3779B97F4A7C15u;
        run->keys.b[round] = replication + (uint64_t)round * 0xBB67AE8584CAA73Bu;
    }
    run->world = *first;
    for (int h = 0; h < run->hazards; h++) {
        run->source[h].day = 0.0;
        run->source[h].n = 0;
        next_opportunity(&run->source[h], &run->keys);
    }
    for (int k = 0; k < run->sleepers; k++) {
        run->sleeper[k].n = 0;
        run->sleeper[k].seen = INFINITY;
        run->due[k] = INFINITY;
        run->due[k] = next_ring(run, k, 0.0);
    }
}

/* One replication. seen, saturated: opportunities so far and those above their cap, by slot. False: there was no room. */
static bool replicate(Run *run, double span, int64_t *seen, int64_t *saturated)
{
    int next = soonest(run);
    for (double start = 0.0; start < run->horizon; start += span) {
        const double end = start + span < run->horizon ? start + span : run->horizon; /* the last day counts */
        const int count = opportunities(run, start, end);
        if (count < 0) return false;
        for (int k = 0;; k++) {
            const Opportunity *const o = &run->sorted[k];
            const double until = k < count ? o->day : end;
            const uint32_t slot = k < count ? o->slot : UINT32_MAX;
            while (run->due[next] < until || (run->due[next] == until && run->sleeper[next].slot < slot)) {
                const double day = run->due[next];
                const Sleeper *const s = &run->sleeper[next];
                if (sleeper_happens(run, next, day)) provoke(run, day, s->n, s->stream);
                run->due[next] = next_ring(run, next, day);
                next = soonest(run);
            }
            if (k == count) break;
            seen[slot]++;
            if (hazard_happens(run, (uint32_t)run->slots[slot].activity, o, saturated)) {
                provoke(run, o->day, o->n, run->slots[slot].stream);
                next = soonest(run);
            }
        }
    }
    return true;
}

/* Replications `first` to `first + count - 1` of one scenario: a row of outcomes each, and by slot the opportunities and those
above their cap, of all together. Returns 0, or 1 if there was no memory or no room. */
__attribute__((visibility("default"))) int run_block(
    const GivenParameters *given, const World *blank, const Slot *slots, int64_t size, double horizon, uint64_t seed,
    uint64_t first, int64_t count, double *rows, int64_t *seen, int64_t *saturated)
{
    Run *const run = aligned_alloc(64, (sizeof *run + 63) / 64 * 64);
    Parameters *const p = malloc(sizeof *p);
    bool well = run && p && size <= MOST_SLOTS;
    if (well) {
        double caps = 0.0;
        World world = *blank;
        memset(run, 0, sizeof *run);
        p->given = *given;
        prepare(p);
        begin(p, &world);
        run->p = p;
        run->slots = slots;
        run->horizon = horizon;
        for (int64_t j = 0; j < size; j++) {
            const Slot *const slot = &slots[j];
            if (slot->kind == HAZARD) {
                caps += slot->cap;
                run->source[run->hazards++] = (Source){.cap = slot->cap, .stream = slot->stream, .slot = (uint32_t)j};
                continue;
            }
            if (slot->kind == RESPONSE && run->responses[slot->activity]++ == 0)
                run->response_at[slot->activity] = run->sleepers;
            run->sleeper[run->sleepers++] = (Sleeper){
                .stream = slot->stream, .slot = (uint32_t)j, .activity = (uint32_t)slot->activity, .who = (uint32_t)slot->who};
        }
        for (int64_t row = 0; row < count && well; row++) {
            set_out(run, &world, seed, first + (uint64_t)row);
            well = replicate(run, AT_ONCE / caps, seen, saturated);
            measure(p, &run->world, horizon, rows + row * OUTCOMES);
        }
    }
    free(p);
    free(run);
    return !well;
}
