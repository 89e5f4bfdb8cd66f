// SPDX-License-Identifier: Apache-2.0
// A system behind plain C functions: a memory at its AXI4 port, which is served in every
// cycle, and its interrupt. port.h, made for each system, has WORD_BYTES.
#include "base.h"
#include "memory.h"
#include "port.h"

namespace {

using Pins = Port<QData, CData>;

class System : public Simulated<System> {
    friend class Simulated<System>;

    static Pins pins_of(Vtop& t) {
        Pins p;
        p.araddr = &t.m_axi_araddr, p.awaddr = &t.m_axi_awaddr;
#define PIN(name) p.name = &t.m_axi_##name;
        PIN(arlen) PIN(arsize) PIN(arburst) PIN(arvalid) PIN(arready)
        PIN(rresp) PIN(rlast) PIN(rvalid) PIN(rready)
        PIN(awlen) PIN(awsize) PIN(awburst) PIN(awvalid) PIN(awready)
        PIN(wlast) PIN(wvalid) PIN(wready) PIN(bresp) PIN(bvalid) PIN(bready)
#undef PIN
        p.rdata = reinterpret_cast<uint8_t*>(&t.m_axi_rdata);
        p.wdata = reinterpret_cast<uint8_t*>(&t.m_axi_wdata);
        p.wstrb = &t.m_axi_wstrb;
        return p;
    }

    void drive() { memory.drive(); }
    void settle() {
        const uint64_t before = memory.moved;
        memory.settle(top->rst);
        quiet = memory.moved == before ? quiet + 1 : 0;
    }

public:
    Memory<WORD_BYTES, Pins> memory;
    uint64_t quiet = 0;

    explicit System(int seed) : Simulated{seed}, memory{pins_of(*top)} { reset(); }

    // Until the interrupt is up, for so many cycles at most.
    Outcome sleep(uint64_t limit) {
        for (; limit && !top->o_irq; --limit) cycle([] {});
        return top->o_irq ? DONE : RUNNING;
    }
};

}  // namespace

EXPORT System* rtl_open(int seed, char* message, uint32_t size) {
    printed.clear();
    std::string objection;
    try {
        auto system = std::make_unique<System>(seed);
        // Such as a memory file that is not there, which is but a warning to the simulator.
        if (printed.find('%') == std::string::npos) return system.release();
    } catch (const std::exception& error) {
        objection = error.what();
    }
    snprintf(message, size, "%s%s", printed.c_str(), objection.c_str());
    return nullptr;
}

EXPORT void rtl_close(System* system) { delete system; }
EXPORT uint64_t rtl_cycles(System* system) { return system->cycles; }
EXPORT const char* rtl_message(System* system) { return system->message.c_str(); }

EXPORT int rtl_write(System* system, uint32_t offset, uint32_t value) {
    return guarded(system, [&] { return system->write(offset, value) ? DONE : NO_ANSWER; });
}

EXPORT int rtl_read(System* system, uint32_t offset, uint32_t* value) {
    return guarded(system, [&] { return system->read(offset, *value) ? DONE : NO_ANSWER; });
}

// Values of a 32-bit variable by that name in every module instance that has it, for `visit`.
EXPORT void rtl_values(System* system, const char* name, void (*visit)(const char*, uint32_t)) {
    visit_values(*system, name, visit);
}

EXPORT uint64_t rtl_quiet(System* system) { return system->quiet; }

EXPORT void rtl_memory(System* system, uint8_t* bytes, uint64_t base, uint64_t size) {
    system->memory.place(base, bytes, size);
}

EXPORT uint64_t rtl_written(System* system, uint64_t base) {
    return system->memory.written(base);
}

EXPORT void rtl_behave(System* system, int pattern, uint32_t least, uint32_t most, uint64_t seed) {
    system->memory.behave(pattern, least, most, seed);
}

EXPORT int rtl_sleep(System* system, uint64_t cycles) {
    return guarded(system, [&] { return system->sleep(cycles); });
}
