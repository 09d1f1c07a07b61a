using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Secrets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeadPipeline.Worker.Tests.Secrets;

public sealed class RotatingSecretTests
{
    private FakeTimeProvider time = null!;
    private FakeSecretsManager manager = null!;
    private RotatingSecret secret = null!;

    [SetUp]
    public void MakeSecret()
    {
        (time, manager) = (new FakeTimeProvider(), new FakeSecretsManager());
        secret = new RotatingSecret(manager, "crm/hubspot", time, NullLogger<RotatingSecret>.Instance);
    }

    [Test]
    public async Task Should_ask_once_for_many_and_again_after_five_minutes()
    {
        manager.Has(SecretStages.Current, "v1");

        var first = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => secret.GetAsync(CancellationToken.None).AsTask()));
        time.Advance(TimeSpan.FromMinutes(4.9));
        _ = await secret.GetAsync(CancellationToken.None);
        var before = manager.Asked.Count;
        time.Advance(TimeSpan.FromMinutes(0.2));
        var later = await secret.GetAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.EqualTo(1));
            Assert.That(manager.Asked, Has.Count.EqualTo(2));
            Assert.That(first.Append(later), Is.All.SameAs(first[0]), "the same secret is the same object");
        }
    }

    [Test]
    public async Task Should_take_the_new_version_once_the_old_one_is_refused_or_the_cache_is_cleared([Values] bool refused)
    {
        manager.Has(SecretStages.Current, "v1");
        var old = await secret.GetAsync(CancellationToken.None);
        manager.Has(SecretStages.Current, "v2");

        if (refused)
            Assert.That(secret.Refused(old), Is.True);
        else
            secret.Clear();

        Assert.That((await secret.GetAsync(CancellationToken.None)).Version, Is.EqualTo("v2"));
    }

    [Test]
    public async Task Should_try_the_pending_version_and_then_the_previous_one_when_the_current_is_refused()
    {
        manager.Has(SecretStages.Current, "v2");
        manager.Has(SecretStages.Pending, "v3");
        manager.Has(SecretStages.Previous, "v1");
        var used = new List<string>();

        bool more;
        do
        {
            var now = await secret.GetAsync(CancellationToken.None);
            used.Add(now.Version);
            more = secret.Refused(now);
        }
        while (more);

        Assert.That(used, Is.EqualTo(new[] { "v2", "v3", "v1" }));
        Assert.That((await secret.GetAsync(CancellationToken.None)).Version, Is.EqualTo("v2"), "and then from the start");
    }

    [Test]
    public async Task Should_ask_no_more_once_every_version_is_refused_until_the_time_is_over_or_the_cache_is_cleared([Values] bool cleared)
    {
        manager.Has(SecretStages.Current, "v1");
        var only = await secret.GetAsync(CancellationToken.None);
        var mayBeAnother = secret.Refused(only);
        var again = await secret.GetAsync(CancellationToken.None);
        var asked = manager.Asked.Count;

        for (var i = 0; i < 5; i++)
        {
            Assert.That(secret.Refused(only), Is.False, "there is no other");
            Assert.That(await secret.GetAsync(CancellationToken.None), Is.SameAs(only));
        }
        var before = manager.Asked.Count;
        manager.Has(SecretStages.Current, "v2");
        if (cleared)
            secret.Clear();
        else
            time.Advance(TimeSpan.FromMinutes(5.1));
        var next = await secret.GetAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((mayBeAnother, again, before), Is.EqualTo((true, only, asked)));
            Assert.That(next.Version, Is.EqualTo("v2"));
            Assert.That(secret.Refused(next), Is.True, "and the count begins anew");
        }
    }

    [Test]
    public async Task Should_not_take_a_refusal_of_the_secret_before_for_one_of_this()
    {
        manager.Has(SecretStages.Current, "v1");
        var old = await secret.GetAsync(CancellationToken.None);
        manager.Has(SecretStages.Current, "v2");
        _ = secret.Refused(old);
        var now = await secret.GetAsync(CancellationToken.None);

        Assert.That(secret.Refused(old), Is.True, "there is another one already");
        Assert.That(await secret.GetAsync(CancellationToken.None), Is.SameAs(now));
    }

    [Test]
    public async Task Should_use_what_it_has_while_the_manager_cannot_be_asked()
    {
        manager.Has(SecretStages.Current, "v1");
        var known = await secret.GetAsync(CancellationToken.None);
        manager.IsAway = true;
        time.Advance(TimeSpan.FromMinutes(6));

        Assert.That(await secret.GetAsync(CancellationToken.None), Is.SameAs(known));
    }

    [Test]
    public void Should_say_so_when_there_is_none_to_be_had()
    {
        manager.IsAway = true;

        Assert.That(async () => await secret.GetAsync(CancellationToken.None), Throws.TypeOf<CrmUnavailableException>().With.Property("Kind").EqualTo(NotNowKind.Transient));
    }
}
