using SpecDecode.Descriptions;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Weights;

public sealed class PreparedWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _file;
    private readonly PreparedWeights _weights;

    public PreparedWeightsTests()
    {
        _file = _folder.Write("weights", new byte[1000]);
        _weights = new PreparedWeights(_file, File.OpenHandle(_file, share: FileShare.ReadWrite | FileShare.Delete), [new PreparedTensor("a", [10], TensorFormat.Float32, 0)]);
    }

    public void Dispose()
    {
        _weights.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(999)]
    [InlineData(0)]
    public void A_file_that_becomes_shorter_is_told_with_its_name_and_both_lengths(long length)
    {
        _weights.CheckLength();
        Resize(length);
        SpecDecodeException error = Assert.Throws<SpecDecodeException>(_weights.CheckLength);
        Assert.Equal(
            $"The file of weights {_file} cannot be read any more: It had 1000 bytes when it was loaded and has {length} now. It must stay as it is while the model is loaded; load the model again.",
            error.Message);
        Resize(1000);
        _weights.CheckLength();
    }

    [Fact]
    public void One_that_becomes_longer_or_is_deleted_or_replaced_stays_what_it_was()
    {
        Resize(2000);
        _weights.CheckLength();
        File.Delete(_file);
        _weights.CheckLength();
        File.WriteAllText(_file, "another");
        _weights.CheckLength();
    }

    [Fact]
    public void Asking_allocates_nothing()
    {
        _weights.CheckLength();
        Assert.Equal(0, AllocatedBytes.EachTime(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                _weights.CheckLength();
            }
        }));
    }

    [Fact]
    public void Weights_that_are_closed_cannot_be_asked()
    {
        _weights.Dispose();
        Assert.Throws<ObjectDisposedException>(_weights.CheckLength);
    }

    private void Resize(long length)
    {
        using FileStream stream = new(_file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        stream.SetLength(length);
    }
}
