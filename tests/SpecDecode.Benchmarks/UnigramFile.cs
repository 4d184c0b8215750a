using System.Text.Json;

namespace SpecDecode.Benchmarks;

/// <summary>
/// A <c>tokenizer.json</c> of kind Unigram in the manner of Japanese Llama models: byte fallback, no pre-tokenizer, so that a text is
/// one search; and pieces that repeat one character up to sixteen times, so that runs of it give the search the most to do.
/// </summary>
internal sealed class UnigramFile : IDisposable
{
    private const int Words = 30_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("specdecode-").FullName;

    /// <summary>Writes the file.</summary>
    public UnigramFile()
    {
        Random random = new(1);
        Dictionary<string, double> scores = new(StringComparer.Ordinal) { ["<unk>"] = 0 };
        for (int value = 0; value < 256; value++)
        {
            scores[$"<0x{value:X2}>"] = 0;
        }

        for (char letter = '!'; letter <= '~'; letter++)
        {
            for (int length = 1; length <= 16; length *= 2)
            {
                scores[new string(letter, length)] = -5 - length;
            }
        }

        for (int length = 1; length <= 16; length++)
        {
            scores[new string('\u2581', length)] = -3 - length;
        }

        while (scores.Count < Words)
        {
            string word = string.Concat(Enumerable.Range(0, random.Next(2, 9)).Select(_ => (char)('a' + random.Next(26))));
            scores.TryAdd(random.Next(2) == 0 ? word : '\u2581' + word, -6 - 8 * random.NextDouble());
        }

        File.WriteAllText(Path, JsonSerializer.Serialize(new
        {
            normalizer = new { type = "Replace", pattern = new { String = " " }, content = "\u2581" },
            decoder = new
            {
                type = "Sequence",
                decoders = new object[] { new { type = "Replace", pattern = new { String = "\u2581" }, content = " " }, new { type = "ByteFallback" }, new { type = "Fuse" } },
            },
            model = new { type = "Unigram", unk_id = 0, byte_fallback = true, vocab = scores.Select(piece => new object[] { piece.Key, piece.Value }) },
        }));
    }

    /// <summary>Where it is.</summary>
    public string Path => System.IO.Path.Combine(_folder, "unigram.json");

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
