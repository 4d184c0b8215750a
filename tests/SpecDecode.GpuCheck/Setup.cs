namespace SpecDecode.GpuCheck;

/// <summary>How a model is run.</summary>
/// <param name="Compute">What stages hand on to each other.</param>
/// <param name="Attention">Whether attention runs on the device; null for where it can be had.</param>
/// <param name="Graphs">Whether blocks are captured as CUDA graphs.</param>
/// <param name="Segments">Whether blocks that run together are one call of the device.</param>
internal sealed record Setup(ComputePrecision Compute, bool? Attention = null, bool Graphs = false, bool Segments = false)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Compute}{(Attention == false ? ", attention on the CPU" : Attention == true ? ", attention there" : "")}{(Graphs ? ", CUDA graphs" : "")}{(Segments ? ", segments" : "")}";

    /// <summary>All ways to run a model on a provider.</summary>
    /// <param name="provider">Its name.</param>
    public static IReadOnlyList<Setup> On(string provider)
    {
        if (provider == "cpu")
        {
            return [.. Enum.GetValues<ComputePrecision>().Select(compute => new Setup(compute))];
        }

        List<Setup> all = [new Setup(ComputePrecision.Fp32)];
        foreach (ComputePrecision compute in (ComputePrecision[])[ComputePrecision.Fp16, ComputePrecision.Bf16])
        {
            all.AddRange(
            [
                new Setup(compute, Attention: false), new Setup(compute, Attention: true), new Setup(compute, Attention: true, Graphs: true),
                new Setup(compute, Attention: true, Segments: true),
            ]);
        }

        return all;
    }
}
