# SPDX-License-Identifier: Apache-2.0
# Accelerators as IPs by Vitis HLS 2022.1 to 2025.1:
#
#   vitis_hls -f run_hls.tcl                     up to 2024.2
#   vitis-run --mode hls --tcl run_hls.tcl       from 2024.1
#
# What differs between models and boards stands in settings.tcl beside this file; the folder of each
# graph has its source, its testbench and recorded frames. Each stage says "STEP <name> <graph>" first.
# The IP of a graph is <graph>/project/solution/impl/ip. Exit code 0, 1 on an error.

set here [file dirname [file normalize [info script]]]
source [file join $here settings.tcl]

proc stage {name graph} { puts "STEP $name $graph"; flush stdout }

proc make_ip {graph top frames} {
  global here part period_ns vendor library version steps
  cd [file join $here $graph]
  set flags "-std=c++14 -DAP_INT_MAX_W=4096 -I[file join $here include] -I$here"
  stage project $graph
  foreach file [concat [list $top.cpp testbench.cpp] $frames] {
    if {![file exists $file]} { error "file not found: [file join $here $graph $file]" }
  }
  open_project -reset project
  set_top $top
  add_files $top.cpp -cflags $flags
  add_files -tb testbench.cpp -cflags $flags
  foreach file $frames { add_files -tb $file }
  open_solution -reset solution -flow_target vivado
  set_part $part
  create_clock -period $period_ns -name default
  foreach step $steps {
    stage $step $graph
    switch -- $step {
      csim { csim_design }
      csynth { csynth_design }
      cosim { cosim_design -rtl verilog }
      export {
        export_design -format ip_catalog -rtl verilog -vendor $vendor -library $library \
          -version $version
      }
      default { error "unknown step $step" }
    }
  }
  close_project
}

foreach {graph top frames} $graphs {
  if {[catch {make_ip $graph $top $frames} message]} {
    puts "ERROR: $message"
    exit 1
  }
}
stage done all
exit 0
