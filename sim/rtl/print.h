// SPDX-License-Identifier: Apache-2.0
// What the simulated design prints is kept for the error that reports it: Verilator's run-time
// library is compiled with VL_PRINTF and vl_fatal put aside, and base.h defines these.
#pragma once
extern int samfabric_print(const char* format, ...);
