// SPDX-License-Identifier: Apache-2.0
// A memory at an AXI4 port: hesitates by patterns, answers after a random while, in order, and
// objects to what breaks the protocol. It is made of regions; what lies in none answers DECERR.
#pragma once
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "gate.h"

// The pins of the port; data are as wide as a word.
template <typename Address, typename Byte>
struct Port {
    Address *araddr, *awaddr;
    Byte *arlen, *arsize, *arburst, *arvalid, *arready, *rresp, *rlast, *rvalid, *rready;
    Byte *awlen, *awsize, *awburst, *awvalid, *awready, *wlast, *wvalid, *wready;
    Byte *bresp, *bvalid, *bready;
    uint8_t *rdata, *wdata;  // little end first
    const void* wstrb;       // one bit a byte
};

template <unsigned WORD_BYTES, typename Pins>
class Memory {
    enum Channel { AR, R, AW, W, B, CHANNELS };
    static constexpr unsigned MOST = 16;  // bursts that it takes before it has answered
    static constexpr uint8_t OKAY = 0, DECERR = 3;

    struct Burst {
        uint64_t address;
        unsigned left;   // words still to come
        uint64_t ready;  // cycle from which on it is answered
        bool inside;
    };

    Pins pins;
    std::deque<Burst> reads, writes, answers;
    Gate gates[CHANNELS];
    Random random;
    uint32_t least = 1, spread = 1;  // cycles from an address, or last word, to the answer
    uint64_t now = 0;
    uint8_t waited[CHANNELS] = {};
    bool reading = false, answering = false;  // R, B show something that waits to be taken

    static void demand(bool kept, const char* rule) {
        if (!kept) throw std::runtime_error(std::string("AXI4: ") + rule);
    }

    template <typename Byte>
    Burst taken(uint64_t address, Byte len, Byte size, Byte kind) {
        const uint64_t bytes = uint64_t(len + 1) * WORD_BYTES;
        demand((1u << size) == WORD_BYTES && kind == 1, "a burst of whole words, INCR");
        demand(address % WORD_BYTES == 0, "an address of whole words");
        demand(address / 4096 == (address + bytes - 1) / 4096, "no burst crosses 4 KiB");
        return {address, len + 1u, now + latency(), find(address, bytes) != nullptr};
    }

    struct Region {
        uint8_t* bytes;
        uint64_t size;
        uint64_t written;  // words, since somebody asked
    };

    // Where an address lies in a region that has so many bytes from there on, or null.
    uint8_t* find(uint64_t address, uint64_t count, bool write = false) {
        auto found = regions.upper_bound(address);
        if (found == regions.begin()) return nullptr;
        auto& [base, region] = *--found;
        if (address - base + count > region.size) return nullptr;
        region.written += write;
        return region.bytes + (address - base);
    }

    std::map<uint64_t, Region> regions;

    uint32_t latency() { return least + random.below(spread); }

    uint64_t strobes() const {
        uint64_t bits = 0;
        memcpy(&bits, pins.wstrb, (WORD_BYTES + 7) / 8);
        return bits;
    }

public:
    uint64_t moved = 0;  // words that have passed

    // A region from an address on; one of no bytes is taken away.
    void place(uint64_t base, uint8_t* bytes, uint64_t size) {
        regions.erase(base);
        if (size) regions[base] = {bytes, size, 0};
    }

    // Words written to the region that begins at an address, since the last time.
    uint64_t written(uint64_t base) {
        auto found = regions.find(base);
        if (found == regions.end()) return 0;
        return std::exchange(found->second.written, 0);
    }

    explicit Memory(const Pins& given) : pins{given} {
        *pins.arready = *pins.rvalid = *pins.awready = *pins.wready = *pins.bvalid = 0;
    }

    // How it behaves from now on. pattern: of all five channels; -1: each draws its own.
    void behave(int pattern, uint32_t least_cycles, uint32_t most_cycles, uint64_t seed) {
        random = Random(seed);
        least = least_cycles;
        spread = most_cycles - least_cycles + 1;
        const bool source[CHANNELS] = {false, true, false, false, true};
        const Pattern sources[] = {Pattern::always, Pattern::coin, Pattern::bursts,
                                   Pattern::sparse};
        for (int c = 0; c < CHANNELS; ++c) {
            Pattern kind = static_cast<Pattern>(pattern);
            if (pattern < 0) kind = source[c] ? sources[random.below(4)] : Pattern(random.below(6));
            gates[c] = Gate(kind, seed * CHANNELS + c + 1);
        }
    }

    void drive() {
        *pins.arready = reads.size() < MOST && gates[AR].go(waited[AR]);
        *pins.awready = writes.size() < MOST && gates[AW].go(waited[AW]);
        *pins.wready = !writes.empty() && answers.size() < MOST && gates[W].go(waited[W]);
        if (reading) {
            gates[R].go(true);
        } else if (!reads.empty() && reads.front().ready <= now && gates[R].go(false)) {
            reading = true;
            const Burst& b = reads.front();
            *pins.rlast = b.left == 1;
            *pins.rresp = b.inside ? OKAY : DECERR;
            const uint8_t* there = b.inside ? find(b.address, WORD_BYTES) : nullptr;
            if (there) memcpy(pins.rdata, there, WORD_BYTES);
            else memset(pins.rdata, 0, WORD_BYTES);
        }
        if (answering) {
            gates[B].go(true);
        } else if (!answers.empty() && answers.front().ready <= now && gates[B].go(false)) {
            answering = true;
            *pins.bresp = answers.front().inside ? OKAY : DECERR;
        }
        // The design reads these at the end of the cycle, after `settle`.
        *pins.rvalid = reading;
        *pins.bvalid = answering;
    }

    // With the values at the end of the cycle. resetting: nothing that is shown counts.
    void settle(bool resetting) {
        ++now;
        if (resetting) return;
        settle_reads();
        settle_writes();
    }

private:
    // Whether a channel's beat passes; one that waits has to stay.
    bool passes(Channel channel, uint8_t valid, uint8_t ready) {
        demand(valid || !waited[channel], "valid stays until ready");
        waited[channel] = valid && !ready;
        moved += valid && ready;
        return valid && ready;
    }

    void settle_reads() {
        if (*pins.rvalid && *pins.rready) {
            ++moved;
            reading = false;
            Burst& b = reads.front();
            b.address += WORD_BYTES;
            if (--b.left == 0) reads.pop_front();
        }
        if (passes(AR, *pins.arvalid, *pins.arready)) {
            reads.push_back(taken(*pins.araddr, *pins.arlen, *pins.arsize, *pins.arburst));
        }
    }

    void settle_writes() {
        if (*pins.bvalid && *pins.bready) {
            answering = false;
            answers.pop_front();
        }
        if (passes(W, *pins.wvalid, *pins.wready)) {
            Burst& b = writes.front();
            const uint64_t kept = strobes();
            uint8_t* there = b.inside ? find(b.address, WORD_BYTES, true) : nullptr;
            for (unsigned n = 0; there && n < WORD_BYTES; ++n) {
                if (kept >> n & 1) there[n] = pins.wdata[n];
            }
            b.address += WORD_BYTES;
            demand((--b.left == 0) == bool(*pins.wlast), "wlast with a burst's last word");
            if (b.left == 0) {
                b.ready = now + latency();
                answers.push_back(b);
                writes.pop_front();
            }
        }
        if (passes(AW, *pins.awvalid, *pins.awready)) {
            writes.push_back(taken(*pins.awaddr, *pins.awlen, *pins.awsize, *pins.awburst));
        }
    }
};
