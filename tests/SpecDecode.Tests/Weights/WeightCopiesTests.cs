using SpecDecode.Descriptions;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

public sealed class WeightCopiesTests
{
    [Fact]
    public void A_copy_for_drafting_that_does_not_fit_beside_the_weights_is_refused_with_both_sizes()
    {
        using WeightCopies copies = new(Weights(300), Weights(80));

        Assert.Null(copies.FindError(380L << 20));
        Assert.Equal(380L << 20, copies.TensorBytes);
        OptionException error = copies.FindError((380L << 20) - 1)!;
        Assert.Contains("takes 80 MB besides the model's own 300 MB", error.Message, StringComparison.Ordinal);
        Assert.Contains("may use 380 MB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_alone_are_not_judged()
    {
        using WeightCopies alone = new(Weights(300), null);
        Assert.Null(alone.FindError(1));
    }

    private static PreparedWeights Weights(int megabytes)
    {
        string file = Path.Combine(TestFolders.WeightCache, Path.GetRandomFileName());
        return new PreparedWeights(
            file, File.OpenHandle(file, FileMode.Create, FileAccess.ReadWrite),
            [new PreparedTensor("weights", [(long)megabytes << 18], TensorFormat.Float32, 0)]);
    }
}
