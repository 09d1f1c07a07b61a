using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LeadPipeline.Integration.Tests.TestKit;

/// <summary>The bad network does to a connection what it says that it does.</summary>
public sealed class TcpProxyTests
{
    private TcpListener server = null!;
    private TcpProxy proxy = null!;

    [SetUp]
    public void Start()
    {
        server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        proxy = TcpProxy.Start(((IPEndPoint)server.LocalEndpoint).Port);
    }

    [TearDown]
    public async Task Stop()
    {
        await proxy.DisposeAsync();
        server.Dispose();
    }

    [Test]
    public async Task Should_carry_both_ways_what_it_is_given()
    {
        var (client, other) = await ConnectAsync();

        using (client)
        using (other)
        {
            Assert.That(await SayAsync(client, other, "there"), Is.EqualTo("there"));
            Assert.That(await SayAsync(other, client, "and back"), Is.EqualTo("and back"));
        }
    }

    [Test]
    public async Task Should_end_connections_that_are_cut_and_take_new_ones()
    {
        var (client, other) = await ConnectAsync();
        _ = await SayAsync(client, other, "known");

        proxy.Cut();

        using (client)
        using (other)
            Assert.That(await ReadAsync(client), Is.Empty, "ended, or reset");
        var (again, anew) = await ConnectAsync();
        using (again)
        using (anew)
            Assert.That(await SayAsync(again, anew, "again"), Is.EqualTo("again"));
    }

    [Test]
    public async Task Should_hold_back_until_it_lets_go()
    {
        var (client, other) = await ConnectAsync();
        _ = await SayAsync(client, other, "before");
        proxy.Hold();

        using (client)
        using (other)
        {
            await client.SendAsync(Encoding.UTF8.GetBytes("held"));
            var arriving = ReadAsync(other);
            var early = arriving.IsCompleted;
            proxy.Release();

            Assert.That((early, await arriving), Is.EqualTo((false, "held")));
        }
    }

    [Test]
    public async Task Should_let_nothing_come_back_while_it_loses_answers()
    {
        var (client, other) = await ConnectAsync();
        _ = await SayAsync(client, other, "before");
        proxy.LoseAnswers();

        using (client)
        using (other)
        {
            await other.SendAsync(Encoding.UTF8.GetBytes("lost"));
            var there = await SayAsync(client, other, "arrives");
            proxy.FindAnswers();
            var back = await ReadAsync(client);

            Assert.That((there, back), Is.EqualTo(("arrives", "")));
        }
    }

    private async Task<(Socket Client, Socket Server)> ConnectAsync()
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPAddress.Loopback, proxy.Port);
        return (client, await server.AcceptSocketAsync());
    }

    private static async Task<string> SayAsync(Socket from, Socket to, string text)
    {
        await from.SendAsync(Encoding.UTF8.GetBytes(text));
        return await ReadAsync(to);
    }

    /// <summary>What arrives; nothing when the connection has ended.</summary>
    private static async Task<string> ReadAsync(Socket socket)
    {
        var buffer = new byte[100];
        try
        {
            return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer));
        }
        catch (SocketException)
        {
            return "";
        }
    }
}
