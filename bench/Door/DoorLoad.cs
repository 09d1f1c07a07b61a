using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace LeadPipeline.Bench.Door;

/// <summary>What a stretch of posts came to.</summary>
/// <param name="Posts">Posts that were answered.</param>
/// <param name="Refused">Those that were answered otherwise than 202.</param>
/// <param name="Seconds">From the first byte sent to the last answer read.</param>
/// <param name="Milliseconds">Time of each post, in order of length.</param>
internal sealed record DoorAnswers(int Posts, int Refused, double Seconds, double[] Milliseconds)
{
    public double PerSecond => Posts / Seconds;

    /// <summary>The time within which a share of the posts was answered.</summary>
    public double Percentile(double share) => Milliseconds[Math.Min(Milliseconds.Length - 1, (int)(Milliseconds.Length * share))];
}

/// <summary>Sees the answer to a post.</summary>
/// <param name="number">Which post, from 0.</param>
/// <param name="answer">All of the answer.</param>
internal delegate void AnswerSeen(int number, ReadOnlySpan<byte> answer);

/// <summary>
/// Posts prebuilt requests over plain sockets, one at a time on each connection. It shares the cores with what it measures, so it does no more than
/// send bytes and look at the first line and the end of each answer.
/// </summary>
internal static class DoorLoad
{
    /// <summary>Posts all.</summary>
    /// <param name="address">Where.</param>
    /// <param name="requests">Whole requests.</param>
    /// <param name="connections">How many at once.</param>
    /// <param name="answered">Sees each answer; several at once.</param>
    public static async Task<DoorAnswers> PostAsync(Uri address, IReadOnlyList<byte[]> requests, int connections, AnswerSeen? answered = null)
    {
        var ticks = new long[requests.Count];
        var next = -1;
        var refused = 0;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(address.Host), address.Port));
            var buffer = new byte[16 * 1024];
            while (Interlocked.Increment(ref next) is var number && number < requests.Count)
            {
                var sent = Stopwatch.GetTimestamp();
                _ = await socket.SendAsync(requests[number], SocketFlags.None);
                var length = await ReadAsync(socket, buffer);
                ticks[number] = Stopwatch.GetTimestamp() - sent;
                if (!buffer.AsSpan(0, length).StartsWith("HTTP/1.1 202 "u8))
                    _ = Interlocked.Increment(ref refused);
                answered?.Invoke(number, buffer.AsSpan(0, length));
            }
        })));
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        Array.Sort(ticks);
        return new DoorAnswers(requests.Count, refused, seconds, Array.ConvertAll(ticks, t => t * 1000.0 / Stopwatch.Frequency));
    }

    /// <summary>Reads one whole answer, and tells how long it is.</summary>
    private static async Task<int> ReadAsync(Socket socket, byte[] buffer)
    {
        for (var filled = 0; ;)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None);
            if (read == 0)
                throw new IOException("The worker closed a connection.");
            filled += read;
            if (IsWhole(buffer.AsSpan(0, filled)))
                return filled;
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;
        var body = answer[(end + 4)..];
        var length = answer[..end].IndexOf("Content-Length: "u8);
        if (length < 0)
            return body.EndsWith("0\r\n\r\n"u8);
        _ = System.Buffers.Text.Utf8Parser.TryParse(answer[(length + "Content-Length: ".Length)..], out int bytes, out _);
        return body.Length >= bytes;
    }
}
