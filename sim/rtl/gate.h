// SPDX-License-Identifier: Apache-2.0
// When a source offers and a sink accepts: the patterns of sim/bench/patterns.py. A gate is asked
// once a cycle, with whether the other side waits, and says whether to go.
#pragma once
#include <cstdint>

class Random {
    uint64_t state;

public:
    explicit Random(uint64_t seed = 1) : state{seed * 0x9e3779b97f4a7c15ull + 1} { bits(); }
    uint32_t bits() {  // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return static_cast<uint32_t>((state * 0x2545f4914f6cdd1dull) >> 32);
    }
    uint32_t below(uint32_t limit) { return bits() % limit; }
    bool chance(uint32_t percent) { return below(100) < percent; }
};

enum class Pattern { always, coin, bursts, shy, fickle, sparse };

class Gate {
    Pattern pattern = Pattern::always;
    Random random;
    uint32_t setting = 0;  // of the pattern, drawn once
    uint32_t count = 0;
    bool going = true;

public:
    Gate() = default;
    Gate(Pattern kind, uint64_t seed) : pattern{kind}, random{seed} {
        const uint32_t percents[] = {15, 50, 85};
        going = random.chance(50);
        if (pattern == Pattern::coin) setting = percents[random.below(3)];
        if (pattern == Pattern::bursts) count = 1 + random.below(30);
        if (pattern == Pattern::shy) setting = 1 + random.below(4);
        if (pattern == Pattern::sparse) count = random.below(7);
    }


    bool go(bool waiting) {
        switch (pattern) {
        case Pattern::always: return true;
        case Pattern::coin: return random.chance(setting);
        case Pattern::bursts:
            if (count == 0) {
                going = !going;
                count = 1 + random.below(30);
            }
            --count;
            return going;
        case Pattern::shy:  // goes for one cycle, after the other side has waited some
            count = waiting ? count + 1 : 0;
            if (count <= setting) return false;
            count = 0;
            return true;
        case Pattern::fickle:  // eager while nobody waits, turns away as soon as somebody does
            if (count) return --count == 0;
            if (!waiting || !random.chance(70)) return true;
            count = 2 + random.below(5);
            return false;
        case Pattern::sparse: return ++count % 7 == 0;
        }
        return true;
    }
};
