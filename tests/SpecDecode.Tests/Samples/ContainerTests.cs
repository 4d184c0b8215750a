using System.Net;
using System.Runtime.Versioning;

namespace SpecDecode.Tests.Samples;

/// <summary>
/// samples/Service as a container would run it: another user, a root that cannot be written, a volume that everybody may write. Made with
/// namespaces of mounts, which only root may have; skipped elsewhere.
/// </summary>
[UnsupportedOSPlatform("windows")]
public sealed class ContainerTests : IDisposable
{
    private const string Nobody = "exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";

    private readonly TemporaryFolder _folder = new();

    public ContainerTests()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && Environment.UserName == "root" && File.Exists("/usr/bin/setpriv") && File.Exists("/usr/bin/unshare"),
            "Only root on Linux with setpriv and unshare can run it so.");
        File.SetUnixFileMode(_folder.Path, File.GetUnixFileMode(_folder.Path) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        Directory.CreateDirectory(Volume);
    }

    private string Volume => _folder.File("cache");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_read_only_root_and_a_cache_volume_that_everybody_may_write_are_enough()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync(
            InMounts($"mount -t tmpfs -o mode=0777 tmpfs '{Volume}' && mount -o remount,bind,ro / && {Nobody}"), [Cache]);
        using HttpResponseMessage health = await service.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        using HttpResponseMessage answer = await service.Ask(new { prompt = "Once upon a time", maxTokens = 5 });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        // As the process sees it: weights in a folder of its own, and nothing beside it.
        string inside = $"/proc/{service.Id}/root{Volume}";
        string own = Assert.Single(Directory.GetFileSystemEntries(inside));
        Assert.Equal("specdecode-65534", Path.GetFileName(own));
        Assert.Single(Directory.GetFiles(own, "*.weights"));
        Assert.Throws<IOException>(() => File.WriteAllText($"/proc/{service.Id}/root{_folder.Path}/x", ""));
    }

    [Fact]
    public async Task A_volume_without_room_is_a_sentence_with_the_key_and_the_numbers() => await AssertEnds(
        InMounts($"mount -t tmpfs -o size=100k,mode=0777 tmpfs '{Volume}' && {Nobody}"), Cache,
        "MB are needed and 0 MB are free). Make the folder writable, free the space, or name another cache folder with SpecDecode:Model:CacheFolder.");

    [Theory]
    [InlineData("0777")]
    [InlineData("0755")]
    public async Task A_volume_that_cannot_be_written_is_a_sentence_with_the_key(string mode) => await AssertEnds(
        InMounts($"mount -t tmpfs -o ro,mode={mode} tmpfs '{Volume}' && {Nobody}"), Cache, "Read-only file system", "with SpecDecode:Model:CacheFolder.");

    [Fact]
    public async Task A_folder_that_the_user_may_not_read_is_a_sentence_with_the_key()
    {
        File.SetUnixFileMode(Volume, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string model = Path.Combine(Volume, "model");
        Directory.CreateDirectory(model);
        await AssertEnds(["sh", "-c", Nobody, "sh"], $"--SpecDecode:Model:Path={model}", $"SpecDecode:Model:Path: {model}: does not exist or may not be read");
    }

    [Fact]
    public async Task A_user_without_a_cache_directory_is_asked_to_name_one() => await AssertEnds(
        ["env", "-u", "XDG_CACHE_HOME", "HOME=", "sh", "-c", Nobody, "sh"], "--SpecDecode:Model:CacheFolder=", "SpecDecode:Model:CacheFolder");

    private string Cache => $"--SpecDecode:Model:CacheFolder={Volume}";

    // Mounts of this process alone, which end with it.
    private static string[] InMounts(string script) => ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"];

    private static async Task AssertEnds(string[] launcher, string option, params string[] said)
    {
        (int code, string error) = await ServiceProcess.RunAsync(launcher, [option]);
        Assert.All(said, part => Assert.Contains(part, error, StringComparison.Ordinal));
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.Equal(1, code);
    }
}
