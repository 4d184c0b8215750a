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
        Option<string[]> tokenizers = new("--tokenizer") { Required = true, Description = "A tokenizer.json or tokenizer.model; several may be given." };
        Option<string[]> texts = new("--text") { Description = "A file, or a folder whose .cs files are joined; its first megabyte is encoded." };
        Command command = new("tokenizers", "Encoding and decoding a megabyte.") { tokenizers, texts };
        command.SetAction(arguments =>
        {
            List<(string Name, string Text)> samples = [.. (arguments.GetValue(texts) ?? []).Select(path => (Path.GetFileName(path.TrimEnd('/')), Read(path))), .. Made()];

            // The first encoding of a process loads code; it is not counted.
            TextTokenizer.Load(arguments.GetValue(tokenizers)![0]).Encode(samples[0].Text[..1000]);
            foreach (string path in arguments.GetValue(tokenizers)!)
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

    // A megabyte of UTF-8.
    private static string Fill(string text)
    {
        StringBuilder result = new();
        int bytes = 0;
        while (bytes < Size)
        {
            foreach (Rune rune in text.EnumerateRunes())
            {
                result.Append(rune);
                if ((bytes += rune.Utf8SequenceLength) >= Size)
                {
                    break;
                }
            }
        }

        return result.ToString();
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
