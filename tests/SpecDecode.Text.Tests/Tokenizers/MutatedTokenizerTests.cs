using System.Text;
using SpecDecode.Tokenizers;

namespace SpecDecode.Tests.Tokenizers;

public class MutatedTokenizerTests
{
    private static readonly string[] Scraps = ["null", "0", "-1", "\"\"", "{}", "[]", "1e99", "\"\\ud800\"", "true", "\u00FF", "{\"\\udc00\":1}", "9999999999"];

    [Theory]
    [InlineData(TokenizerFiles.ByteFallback)]
    [InlineData(TokenizerFiles.Unigram)]
    public void A_mutated_file_either_works_or_is_refused_with_a_sentence(string json)
    {
        var source = Encoding.UTF8.GetBytes(TokenizerFiles.WithBytes(json));
        var path = Path.GetTempFileName();
        var random = new Random(4);
        int refused = 0;
        try
        {
            for (int round = 0; round < 1500; round++)
            {
                File.WriteAllBytes(path, Mutate(source, random));
                try
                {
                    var tokenizer = TextTokenizer.Load(path);
                    tokenizer.Decode(tokenizer.Encode("ab a</s> é\U0001F680", parseSpecialTokens: true));
                }
                catch (SpecDecodeException e)
                {
                    Assert.True(e.Message.EndsWith('.') || e.Message.Contains("; download it again", StringComparison.Ordinal), e.Message);
                    refused++;
                }
            }
        }
        finally
        {
            File.Delete(path);
        }
        Assert.InRange(refused, 500, 1499);
    }

    private static byte[] Mutate(byte[] source, Random random)
    {
        var bytes = new List<byte>(source);
        for (int edits = random.Next(1, 4); edits > 0; edits--)
        {
            // The parts outside the byte tokens are at both ends.
            int at = random.Next(2) == 0 ? random.Next(1500) : bytes.Count - 1 - random.Next(300);
            switch (random.Next(3))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(random.Next(20), bytes.Count - at));
                    break;
                default:
                    // A value is replaced: the text from behind the next colon up to the next separator.
                    int colon = bytes.IndexOf((byte)':', at);
                    int end = colon < 0 ? -1 : bytes.FindIndex(colon, b => b is (byte)',' or (byte)'}' or (byte)']');
                    if (end < 0)
                        break;
                    bytes.RemoveRange(colon + 1, end - colon - 1);
                    bytes.InsertRange(colon + 1, Encoding.Latin1.GetBytes(Scraps[random.Next(Scraps.Length)]));
                    break;
            }
        }
        return [.. bytes];
    }
}
