using System.IO.Pipelines;
using System.Text;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Intake;
using Microsoft.AspNetCore.Http;

namespace LeadPipeline.Worker.Tests.Intake;

public sealed class RequestBodyTests
{
    [Test]
    public async Task Reads_a_body_that_comes_in_pieces()
    {
        var (context, sender) = Post();

        var reading = RequestBody.ReadAsync(context, new FakeTimeProvider());
        await sender.WriteAsync("{\"a\":"u8.ToArray());
        await sender.WriteAsync("1}"u8.ToArray());
        await sender.CompleteAsync();

        Assert.That(Encoding.UTF8.GetString((await reading).Bytes!), Is.EqualTo("{\"a\":1}"));
    }

    [Test]
    public async Task Gives_up_a_sender_that_trickles()
    {
        var (context, sender) = Post();
        var time = new FakeTimeProvider();

        var reading = RequestBody.ReadAsync(context, time);
        await sender.WriteAsync("{\"a\":"u8.ToArray());
        time.Advance(RequestBody.Patience);

        Assert.That(Status(await reading), Is.EqualTo(408));
    }

    [Test]
    public async Task Gives_up_a_sender_that_does_not_end()
    {
        var (context, sender) = Post();

        var reading = RequestBody.ReadAsync(context, new FakeTimeProvider());
        for (var sent = 0; sent <= RequestBody.MaxBytes && !reading.IsCompleted; sent += 100_000)
            await sender.WriteAsync(new byte[100_000]);

        Assert.That(Status(await reading), Is.EqualTo(413));
    }

    [TestCase("gzip", 415)]
    [TestCase("identity, gzip", 415)]
    [TestCase("", 415)]
    [TestCase("x-unheard-of", 415)]
    public async Task Refuses_what_is_packed(string encoding, int status)
    {
        var (context, _) = Post();
        context.Request.Headers.ContentEncoding = encoding;

        Assert.That(Status(await RequestBody.ReadAsync(context, new FakeTimeProvider())), Is.EqualTo(status));
    }

    private static (HttpContext Context, PipeWriter Sender) Post()
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 10_000_000));
        var context = new DefaultHttpContext();
        context.Request.Body = pipe.Reader.AsStream();
        return (context, pipe.Writer);
    }

    private static int? Status(ReadBody body) => (body.Refusal as IStatusCodeHttpResult)?.StatusCode;
}
