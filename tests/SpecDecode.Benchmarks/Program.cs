using System.CommandLine;
using SpecDecode.Benchmarks;

RootCommand root = new("Side-by-side measurements; every ratio is taken within one run.")
{
    ProductsBenchmark.Command(),
    AttentionBenchmark.Command(),
    AttentionShareBenchmark.Command(),
    BatchBenchmark.Command(),
    StagesBenchmark.Command(),
    SegmentsBenchmark.Command(),
    LoadBenchmark.Command(),
    PrecisionBenchmark.Command(),
    RandomCheckpoint.Command(),
    TokenizerBenchmark.Command(),
    SamplingBenchmark.Command(),
    SampledStepsBenchmark.Command(),
    IntakeBenchmark.Command(),
    PolicyBenchmark.Command(),
    SwiftBenchmark.Command(),
    BridgeBenchmark.Command(),
    RuinedExits.Command(),
    GrammarBenchmark.Command(),
    GrammarStepsBenchmark.Command(),
    ForcedRunBenchmark.Command(),
    TelemetryBenchmark.Command(),
};
return root.Parse(args).Invoke();
