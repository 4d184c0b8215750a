using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using SpecDecode.Tokenizers;

namespace SpecDecode.Benchmarks;

/// <summary>
/// Encoding and decoding of a megabyte: text from files, and texts that are hard for one way of doing it or another. Every
/// first encoding is that of a tokenizer just loaded, which knows no word yet.
/// </summary>
internal static class TokenizerBenchmark
{
    private const int Size = 1 << 20;

    public static Command Command()
    {
        Option<string[]> tokenizers = new("--tokenizer") { Description = "A tokenizer.json or tokenizer.model; several may be given. A unigram model made on the spot is always among them." };
        Option<string[]> texts = new("--text") { Description = "A file, or a folder whose .cs files are joined; its first megabyte is encoded." };
        Option<bool> longTexts = new("--long") { Description = "Encode runs of twenty megabytes too." };
        Command command = new("tokenizers", "Encoding and decoding a megabyte.") { tokenizers, texts, longTexts };
        command.SetAction(arguments =>
        {
            List<(string Name, string Text)> samples = [.. (arguments.GetValue(texts) ?? []).Select(path => (Path.GetFileName(path.TrimEnd('/')), Read(path))), .. Made()];
            if (arguments.GetValue(longTexts))
            {
                samples.AddRange(Long());
            }

            using UnigramFile unigram = new();
            List<string> paths = [.. arguments.GetValue(tokenizers) ?? [], unigram.Path];

            // The first encoding of a process loads code; it is not counted.
            TextTokenizer.Load(paths[0]).Encode(samples[0].Text[..1000]);
            foreach (string path in paths)
            {
                Measure(path, samples);
            }
        });
        return command;
    }

    private static void Measure(string path, List<(string Name, string Text)> samples)
    {
        Console.WriteLine(path);
        foreach ((string name, string text) in samples)
        {
            TextTokenizer tokenizer = TextTokenizer.Load(path);
            (double first, int[] ids) = Time(() => tokenizer.Encode(text, addSpecialTokens: false));
            (double again, _) = Time(() => tokenizer.Encode(text, addSpecialTokens: false));
            (double back, string decoded) = Time(() => tokenizer.Decode(ids));
            Print($"  {name,-32} {Encoding.UTF8.GetByteCount(text) / 1e6,5:f2} MB {ids.Length,8} tokens  first {first,6:f0} ms  again {again,6:f0} ms  decode {back,6:f0} ms  {(decoded == text ? "inverts" : "differs")}");
        }
    }

    private static (double Milliseconds, T Result) Time<T>(Func<T> work)
    {
        GC.Collect();
        long start = Stopwatch.GetTimestamp();
        T result = work();
        return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, result);
    }

    private static string Read(string path)
    {
        IEnumerable<string> files = Directory.Exists(path)
            ? Directory.EnumerateFiles(path, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            : [path];
        return Fill(string.Concat(files.Select(File.ReadAllText)));
    }

    private static IEnumerable<(string Name, string Text)> Made()
    {
        yield return ("one letter", new string('a', Size));
        yield return ("one capital", new string('A', Size));
        yield return ("letters without a space", Random(26, code => 'a' + code));
        yield return ("ASCII at random", Random(95, code => ' ' + code));
        yield return ("Latin-1 at random", Random(256, code => code));
        yield return ("ideographs", Random(0x5000, code => 0x4E00 + code));
        yield return ("emoji", Random(0x300, code => 0x1F300 + code));
        yield return ("combining marks", Fill("e\u0301\u0327\u0323"));
        yield return ("spaces", new string(' ', Size));
        yield return ("spaces, then a letter", new string(' ', Size - 1) + "x");
        yield return ("line feeds", new string('\n', Size));
        yield return ("line feeds and spaces", Fill("\n   \r\n\t "));
        yield return ("spaces at random", Random(4, code => " \n\t\u00A0"[code]));
        yield return ("digits", Random(10, code => '0' + code));
        yield return ("exclamation marks", new string('!', Size));
        yield return ("apostrophes", Fill("'s'S't"));
        yield return ("words of one letter", Fill("a "));
        yield return ("a special token spelled out", Fill("<|endoftext|></s>"));
    }

    private static IEnumerable<(string Name, string Text)> Long()
    {
        yield return ("20 MB of one letter", Fill("a", 20 * Size));
        yield return ("20 MB of two letters in turn", Fill("ab", 20 * Size));
        yield return ("20 MB of spaces", Fill(" ", 20 * Size));
        yield return ("20 MB of line feeds", Fill("\n", 20 * Size));
        yield return ("20 MB of one emoji", Fill("\U0001F363", 20 * Size));
        yield return ("20 MB of one combining mark", Fill("\u0301", 20 * Size));
        yield return ("20 MB of words", Fill("Once upon a time there was a fox, which ran. ", 20 * Size));
    }

    private static string Random(int count, Func<int, int> codeOf)
    {
        Random random = new(1);
        StringBuilder text = new();
        for (int bytes = 0; bytes < Size;)
        {
            Rune rune = new(codeOf(random.Next(count)));
            bytes += rune.Utf8SequenceLength;
            text.Append(rune);
        }

        return text.ToString();
    }

    // As many bytes of UTF-8.
    private static string Fill(string text, int size = Size)
    {
        StringBuilder result = new();
        int bytes = 0;
        while (bytes < size)
        {
            foreach (Rune rune in text.EnumerateRunes())
            {
                result.Append(rune);
                if ((bytes += rune.Utf8SequenceLength) >= size)
                {
                    break;
                }
            }
        }

        return result.ToString();
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
