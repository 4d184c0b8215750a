using System.Text;
using SpecDecode.Drafting.Profiles;

namespace SpecDecode.Tests.Drafting.Profiles;

/// <summary>Whatever became of a profile's file, reading it ends in a profile or a sentence that names the file.</summary>
public sealed class DamagedProfileTests : IDisposable
{
    private const string Sound = """{ "version": "1.0", "model": { "family": "llama", "layers": 8, "vocabularySize": 10 }, "plans": [{ "exitLayer": 1 }, { "exitLayer": 2 }] }""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("\"layers\": 8", "\"layers\": 0", "model.layers is 0: give a whole number from 1 to 1024")]
    [InlineData("\"layers\": 8", "\"layers\": 99999999999", "model.layers is 99999999999: give a whole number from 1 to 1024")]
    [InlineData("\"layers\": 8", "\"layers\": 8.5", "model.layers is 8.5: give a whole number")]
    [InlineData("\"layers\": 8", "\"layers\": \"8\"", "model.layers is \"8\": give a whole number")]
    [InlineData("\"layers\": 8, ", "", "model.layers is missing: add it")]
    [InlineData("\"layers\": 8", "\"layers\": 8, \"layers\": 8", "model.layers is there twice: remove")]
    [InlineData("\"family\": \"llama\"", "\"family\": \"\"", "model.family is \"\": give a text of 1 to 256 characters")]
    [InlineData("\"family\": \"llama\"", "\"family\": \"\\ud800\"", "model.family is no valid Unicode")]
    [InlineData("\"family\"", "\"\\ud800\"", "model has a property that is no valid Unicode")]
    [InlineData("\"family\": \"llama\"", "\"family\": \"llama\", \"fingerprint\": \"0123\"", "model.fingerprint is \"0123\": give 32 hexadecimal digits")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 9", "plans[0].exitLayer is 9: give a whole number from 1 to 8")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": -1", "plans[0].exitLayer is -1: give")]
    [InlineData("\"exitLayer\": 1", "\"skipMlp\": [8]", "plans[0].skipMlp[0] is 8: give a whole number from 0 to 7")]
    [InlineData("\"exitLayer\": 1", "\"skipMlp\": [0, 1, 2, 3, 4, 5, 6, 7, 0]", "plans[0].skipMlp is an array of 9: give an array of at most 8")]
    [InlineData("\"exitLayer\": 1", "\"blocks\": \"A0 M8\"", "plans[0].blocks has \"M8\": give blocks such as A0 and M7")]
    [InlineData("\"exitLayer\": 1", "\"blocks\": \"A0  M1\"", "plans[0].blocks has \"\": give")]
    [InlineData("\"exitLayer\": 1", "\"blocks\": \"\"", "plans[0].blocks is \"\": give a text")]
    [InlineData("\"exitLayer\": 1", "\"draftLength\": 3", "plans[0].exitLayer is one of three ways to say which blocks run")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"skipMlp\": [3]", "plans[0].exitLayer is one of three ways")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"draftLength\": 0", "plans[0].draftLength is 0: give a whole number from 1 to 64")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"draftLenght\": 3", "plans[0].draftLenght is no property of a drafting profile of version 1.3: there are agreement, ")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"threshold\": 1.1", "plans[0].threshold is 1.1: give a number from 0 to 1")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"threshold\": \"NaN\"", "plans[0].threshold is \"NaN\": give a number")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"threshold\": NaN", "is not valid JSON of at most 16 levels at line 1, byte ")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"draftRowCost\": 1e999", "plans[0].draftRowCost is 1e999: give a number above 0")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"draftRowCost\": 0", "plans[0].draftRowCost is 0: give a number above 0")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"measuredSpeedup\": -2", "plans[0].measuredSpeedup is -2: give")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"agreement\": [0.5, 2]", "plans[0].agreement[1] is 2: give a number from 0 to 1")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"agreement\": 1", "plans[0].agreement is 1: give an array of at most 64")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"fromLengths\": [512, 128]", "plans[0].fromLengths is not in ascending order: give each length once, the shortest first")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"fromLengths\": [0]", "plans[0].fromLengths[0] is 0: give a whole number from 1")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 3, \"cascade\": { \"exits\": [3] }", "plans[0].cascade.exits[0] is 3: give a whole number from 1 to 2")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 3, \"cascade\": { \"exits\": [2, 2] }", "plans[0].cascade.exits names a layer twice: give each once")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 3, \"cascade\": {}", "plans[0].cascade.exits is missing or empty: give 1 to 3 exits, or remove the cascade")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"cascade\": { \"exits\": [1] }", "plans[0].cascade.exits has no place: the plan runs no layer before its last as the whole model does")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 3, \"cascade\": { \"exits\": [1], \"length\": 0 }", "plans[0].cascade.length is 0: give a whole number from 1 to 64")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 3, \"cascade\": { \"exits\": [1], \"treshold\": 0 }", "plans[0].cascade.treshold is no property of a drafting profile of version 1.3: there are exits, length, threshold")]
    [InlineData("\"exitLayer\": 1", "\"exitLayer\": 1, \"weights\": \"copy\"", "plans[0].weights is \"copy\": give verifier or drafter")]
    [InlineData("\"exitLayer\": 2", "\"skipMlp\": [1,2,3,4,5,6,7], \"skipAttention\": [1,2,3,4,5,6,7], \"draftLength\": 7", "plans[1] runs the same blocks on the same weights as a plan before it: remove one of them")]
    [InlineData("[{ \"exitLayer\": 1 }, { \"exitLayer\": 2 }]", "[]", "plans is empty: name a plan at least")]
    [InlineData("[{ \"exitLayer\": 1 }, { \"exitLayer\": 2 }]", "{}", "plans is an object: give an array of at most 32")]
    [InlineData("[{ \"exitLayer\": 1 }, { \"exitLayer\": 2 }]", "[3]", "plans[0] is 3: give an object")]
    [InlineData("[{ \"exitLayer\": 1 }, { \"exitLayer\": 2 }]", "[{ \"requires\": [\"x\"] }]", "plans has none that this version of the library can run")]
    [InlineData("\"version\": \"1.0\"", "\"version\": \"2.0\"", "version is 2.0, and this version of the library reads 1.x: use a later version")]
    [InlineData("\"version\": \"1.0\"", "\"version\": \"0.9\"", "version is 0.9, and this version of the library reads 1.x: calibrate again")]
    [InlineData("\"version\": \"1.0\"", "\"version\": \"one\"", "version is \"one\": give major and minor, such as \"1.3\"")]
    [InlineData("\"version\": \"1.0\"", "\"version\": 1.0", "version is 1.0: give a text")]
    [InlineData("\"version\": \"1.0\"", "\"measured\": { \"date\": \"yesterday\" }, \"version\": \"1.0\"", "measured.date is \"yesterday\": give a day as yyyy-MM-dd")]
    [InlineData("\"version\": \"1.0\"", "\"measured\": { \"precision\": \"int3\" }, \"version\": \"1.0\"", "measured.precision is \"int3\": give the name of a precision")]
    public void Each_mistake_is_a_sentence_with_the_file_and_the_property(string from, string to, string sentence)
    {
        Assert.Equal(2, Parse(Sound).Plans.Count);
        string json = Sound.Replace(from, to, StringComparison.Ordinal);
        Assert.NotEqual(Sound, json);
        Assert.StartsWith($"it.json: {sentence}", Assert.Throws<SpecDecodeException>(() => Parse(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_plans_levels_and_bytes_than_there_may_be_are_refused()
    {
        string many = string.Join(", ", Enumerable.Range(0, 33).Select(layer => $"{{ \"exitLayer\": {layer + 1} }}"));
        Assert.Contains("plans is an array of 33: give an array of at most 32", Refusal(Sound.Replace("\"layers\": 8", "\"layers\": 40", StringComparison.Ordinal).Replace("{ \"exitLayer\": 1 }, { \"exitLayer\": 2 }", many, StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("of at most 16 levels", Refusal($$"""{ "x": {{new string('[', 100)}}{{new string(']', 100)}} }"""), StringComparison.Ordinal);
        Assert.Contains("has 1048577 bytes, and a drafting profile has at most 1048576", Refusal(Sound.PadRight((1 << 20) + 1)), StringComparison.Ordinal);
        Assert.Equal(2, Parse(Sound.PadRight(1 << 20)).Plans.Count);
        Assert.Contains("blocks names more than 4096 blocks", Refusal(Sound.Replace("\"exitLayer\": 1", $"\"blocks\": \"{string.Join(' ', Enumerable.Repeat("A0", 5000))}\"", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("holds an array of 0 where an object is expected", Refusal("[]"), StringComparison.Ordinal);

        static string Refusal(string json) => Assert.Throws<SpecDecodeException>(() => Parse(json)).Message;
    }

    [Fact]
    public void Files_that_are_none_or_too_long_are_refused_before_they_are_read()
    {
        string path = _folder.File("profile.json");
        Assert.Contains("there is no drafting profile", Refusal(path), StringComparison.Ordinal);
        Assert.Contains("is a folder", Refusal(_folder.Path), StringComparison.Ordinal);
        _folder.Write("profile.json", "");
        Assert.Contains("is empty", Refusal(path), StringComparison.Ordinal);
        using (FileStream stream = File.OpenWrite(path))
        {
            stream.SetLength(1L << 40);
        }

        Assert.Contains("has 1099511627776 bytes", Refusal(path), StringComparison.Ordinal);
        Assert.Contains("cannot be written there", Assert.Throws<SpecDecodeException>(() => MadeProfile.Full.Save(_folder.File("no/such/folder.json"))).Message, StringComparison.Ordinal);

        static string Refusal(string path)
        {
            string message = Assert.Throws<SpecDecodeException>(() => DraftingProfile.Load(path)).Message;
            Assert.StartsWith(path, message, StringComparison.Ordinal);
            return message;
        }
    }

    [Fact]
    public void Every_file_that_was_cut_off_is_refused()
    {
        byte[] whole = Bytes();
        int end = whole.AsSpan().LastIndexOf((byte)'}');
        for (int length = 0; length <= end; length++)
        {
            SpecDecodeException error = Assert.Throws<SpecDecodeException>(() => DraftingProfile.Parse(whole.AsMemory(0, length), "cut.json"));
            Assert.StartsWith("cut.json: ", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_file_that_was_changed_is_a_profile_or_refused_with_a_sentence()
    {
        byte[] whole = Bytes();
        string[] pieces = ["NaN", "1e999", "-1", "\"", "{", "}", "[", "]", ",", "null", "99999999999999999999", "\\ud800", "\u00ff", "true", ": ", "\0"];
        Random random = new(7);
        int refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            List<byte> changed = [.. whole];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int place = random.Next(changed.Count);
                switch (random.Next(4))
                {
                    case 0:
                        changed[place] = (byte)random.Next(256);
                        break;
                    case 1:
                        changed.RemoveRange(place, Math.Min(random.Next(1, 20), changed.Count - place - 1));
                        break;
                    case 2:
                        changed.InsertRange(place, Encoding.UTF8.GetBytes(pieces[random.Next(pieces.Length)]));
                        break;
                    default:
                        changed.InsertRange(place, changed.GetRange(random.Next(place + 1), Math.Min(30, changed.Count - place)));
                        break;
                }
            }

            try
            {
                // One that is read can be written, and is then the same.
                DraftingProfile read = DraftingProfile.Parse(changed.ToArray(), "changed.json");
                string path = _folder.File("profile.json");
                if (i % 20 == 0)
                {
                    read.Save(path);
                    Assert.Equal(read, DraftingProfile.Load(path));
                }
            }
            catch (SpecDecodeException error)
            {
                Assert.StartsWith("changed.json: ", error.Message, StringComparison.Ordinal);
                Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.InRange(refused, 10_000, 19_999);
    }

    private byte[] Bytes()
    {
        string path = _folder.File("whole.json");
        MadeProfile.Full.Save(path);
        return File.ReadAllBytes(path);
    }

    private static DraftingProfile Parse(string json) => DraftingProfile.Parse(Encoding.UTF8.GetBytes(json), "it.json");
}
