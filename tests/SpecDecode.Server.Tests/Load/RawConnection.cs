using System.Net.Sockets;
using System.Text;

namespace SpecDecode.Tests.Server.Load;

/// <summary>A connection on which anything can be said, and which can be left at any time.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _buffer = new byte[16 << 10];

    /// <summary>Connects.</summary>
    public static async Task<RawConnection> OpenAsync(Uri address)
    {
        RawConnection connection = new();
        await connection._socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        return connection;
    }

    /// <summary>The head of a request with a JSON body.</summary>
    public static string Head(string path, string length, string key) =>
        $"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n{length}\r\n\r\n";

    /// <summary>Sends; false where the server has left.</summary>
    public async Task<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
            {
                bytes = bytes[await _socket.SendAsync(bytes, TestContext.Current.CancellationToken)..];
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <inheritdoc cref="SendAsync(ReadOnlyMemory{byte})"/>
    public Task<bool> SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Reads at most so many bytes; fewer where the server has left.</summary>
    public async Task<string> ReadAsync(int most)
    {
        StringBuilder text = new();
        try
        {
            while (text.Length < most && await _socket.ReceiveAsync(_buffer.AsMemory(0, Math.Min(_buffer.Length, most - text.Length)), TestContext.Current.CancellationToken) is > 0 and int count)
            {
                text.Append(Encoding.Latin1.GetString(_buffer, 0, count));
            }
        }
        catch (SocketException)
        {
            // It is ended as it may be.
        }

        return text.ToString();
    }

    /// <summary>The status of the answer, all of which is read; 0 where there is none.</summary>
    public async Task<int> ReadStatusAsync()
    {
        string answer = await ReadAsync(1 << 20);
        return answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) ? int.Parse(answer.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>Leaves without the courtesies of TCP.</summary>
    public void Break() => _socket.LingerState = new LingerOption(enable: true, seconds: 0);

    public void Dispose() => _socket.Dispose();
}
