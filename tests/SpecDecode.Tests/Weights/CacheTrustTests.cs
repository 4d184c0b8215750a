using System.Diagnostics;
using System.Runtime.Versioning;
using SpecDecode.Models;
using SpecDecode.Tests.Tool;

namespace SpecDecode.Tests.Weights;

/// <summary>
/// Whoever can write the cache can put other weights there, with fresh hashes: what others may have written is not used. On Windows
/// none of it is looked at, and these tests skip.
/// </summary>
public sealed class CacheTrustTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly FixtureCheckpoint _model = new();

    public CacheTrustTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "There the library does not look at who may write.");

    public void Dispose() => _model.Dispose();

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Folder_and_files_are_made_so_that_only_their_owner_may_use_them()
    {
        Load();
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(_model.Cache));
        Assert.All(Directory.GetFiles(_model.Cache), file => Assert.Equal(OwnerOnly, File.GetUnixFileMode(file)));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    [UnsupportedOSPlatform("windows")]
    public void In_a_folder_that_others_may_write_weights_go_into_one_of_the_users_own(UnixFileMode others)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere owners are not looked at, and such a folder is refused.");
        Load();
        string first = Assert.Single(Directory.GetFiles(_model.Cache, "*.weights"));
        DateTime written = File.GetLastWriteTimeUtc(first);
        File.SetUnixFileMode(_model.Cache, File.GetUnixFileMode(_model.Cache) | others);
        File.SetUnixFileMode(first, OwnerOnly | others);
        Assert.Empty(Load());

        // What lay in the shared folder is not looked at.
        string own = Assert.Single(Directory.GetDirectories(_model.Cache));
        Assert.Matches(@"^specdecode-\d+$", Path.GetFileName(own));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(own));
        string file = Assert.Single(Directory.GetFiles(own, "*.weights"));
        Assert.Equal((OwnerOnly, written), (File.GetUnixFileMode(file), File.GetLastWriteTimeUtc(first)));
        written = File.GetLastWriteTimeUtc(file);
        Assert.Empty(Load());
        Assert.Equal(written, File.GetLastWriteTimeUtc(file));

        // Of a link what it points to counts.
        string link = _model.Beside("link");
        Directory.CreateSymbolicLink(link, _model.Cache);
        Assert.Empty(Load(link));
        Assert.Equal(written, File.GetLastWriteTimeUtc(file));
    }

    [Theory]
    [InlineData("writable")]
    [InlineData("link")]
    [InlineData("file")]
    [InlineData("another user's")]
    [UnsupportedOSPlatform("windows")]
    public void A_folder_of_the_users_own_that_is_none_is_refused_with_the_mend(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere owners are not looked at, and such a folder is refused.");
        Assert.SkipUnless(kind != "another user's" || Environment.UserName == "root", "Only root can give files away, to see it.");
        Directory.CreateDirectory(_model.Cache);
        File.SetUnixFileMode(_model.Cache, (UnixFileMode)0b111_111_111);
        Assert.Empty(Load());
        string own = Assert.Single(Directory.GetDirectories(_model.Cache));
        if (kind == "writable")
        {
            File.SetUnixFileMode(own, (UnixFileMode)0b111_111_111);
        }
        else if (kind == "another user's")
        {
            Give(own, "12345");
        }
        else
        {
            string elsewhere = _model.Beside("elsewhere");
            Directory.Move(own, elsewhere);
            if (kind == "link")
            {
                Directory.CreateSymbolicLink(own, elsewhere);
            }
            else
            {
                File.WriteAllText(own, "");
            }
        }

        SpecDecodeException error = Assert.ThrowsAny<SpecDecodeException>(() => Load());
        Assert.Contains($"{_model.Cache} is not safe to take weights from: users other than its owner may write it, and ", error.Message, StringComparison.Ordinal);
        Assert.Contains("chmod go-w", error.Message, StringComparison.Ordinal);
        Assert.Contains("with CacheFolder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void In_a_folder_in_which_others_may_put_files_but_replace_none_is_a_folder_of_ones_own()
    {
        Directory.CreateDirectory(_model.Cache);
        File.SetUnixFileMode(_model.Cache, (UnixFileMode)0b111_111_111 | UnixFileMode.StickyBit);
        Assert.Empty(Load());
        Assert.Empty(Load());
        Assert.Empty(Directory.GetFiles(_model.Cache));
        Assert.NotEmpty(Directory.GetFiles(Assert.Single(Directory.GetDirectories(_model.Cache)), "*.weights"));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    [UnsupportedOSPlatform("windows")]
    public void Weights_that_others_may_have_written_are_made_again_with_a_warning(UnixFileMode others)
    {
        Load();
        string file = Assert.Single(Directory.GetFiles(_model.Cache, "*.weights"));
        byte[] sound = File.ReadAllBytes(file);
        File.SetUnixFileMode(file, OwnerOnly | others);
        Assert.Contains(
            $"{file}: these prepared weights are not used, since users other than its owner may write it", Assert.Single(Load()), StringComparison.Ordinal);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(file));
        Assert.Equal(sound, File.ReadAllBytes(file));
        Assert.Empty(Load());
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Weights_and_folders_of_another_user_are_not_used()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Only root on Linux can give files away, to see it.");
        Load();
        string file = Assert.Single(Directory.GetFiles(_model.Cache, "*.weights"));
        Give(file, "12345");
        Assert.Contains("it belongs to another user (number 12345)", Load()[0], StringComparison.Ordinal);
        Assert.Empty(Load());

        // A folder of theirs is as one that they may write.
        Give(_model.Cache, "12345");
        Assert.Empty(Load());
        Assert.Single(Directory.GetFiles(Assert.Single(Directory.GetDirectories(_model.Cache)), "*.weights"));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void A_folder_that_was_prepared_ahead_and_is_read_only_is_used()
    {
        string shipped = _model.Beside("shipped");
        ModelPreparation.Prepare(_model.Folder, output: shipped, cancellationToken: TestContext.Current.CancellationToken);
        foreach (string file in Directory.GetFiles(shipped))
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }

        Assert.Empty(Load(folder: shipped));
    }

    private static void Give(string path, string user)
    {
        using Process process = Process.Start("chown", [user, path]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    // Loads, and tells what was warned of beside the tokenizer, which the fixture lacks.
    private string[] Load(string? cache = null, string? folder = null)
    {
        List<string> warnings = [];
        ModelLoader.Load(
            folder ?? _model.Folder, new ModelOptions { CacheFolder = cache ?? _model.Cache }, new RuntimeOptions(), warnings.Add, progress: null,
            TestContext.Current.CancellationToken).Dispose();
        return [.. warnings.Where(warning => !warning.Contains("there is no tokenizer.json", StringComparison.Ordinal))];
    }
}
