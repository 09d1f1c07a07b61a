using System.Security.Claims;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Ops.Jwt;

namespace LeadPipeline.Worker.Tests.Ops.Jwt;

public sealed class JwtIdentityTests
{
    [Test]
    public void Reads_name_roles_and_scopes_from_text_and_arrays_alike()
    {
        var text = Read(("sub", "alice"), ("role", "Operator user"), ("scope", "leads:write leads:enrich"));
        var array = Read(("sub", "alice"), ("role", "operator"), ("role", "user"), ("scope", "leads:write"), ("scope", "leads:enrich"));

        using (Assert.EnterMultipleScope())
        {
            foreach (var identity in new[] { text, array })
            {
                Assert.That(identity!.Name, Is.EqualTo("alice"));
                Assert.That(Values(identity, ClaimTypes.Role), Is.EqualTo(new[] { "operator", "user" }));
                Assert.That(Values(identity, Caller.Scope), Is.EqualTo(new[] { "leads:write", "leads:enrich" }));
            }
        }
    }

    [Test]
    public void Takes_nothing_from_claims_that_are_not_configured()
    {
        var identity = JwtIdentity.From([new Claim("sub", "alice"), new Claim("role", "admin"), new Claim("scope", "leads:write"), new Claim(ClaimTypes.Role, "admin"), new Claim("groups", "user root")], "groups", "scp");

        Assert.That(identity!.Claims.Select(c => (c.Type, c.Value)), Is.EqualTo(new[] { (ClaimTypes.Name, "alice"), (ClaimTypes.Role, "user") }));
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase(" ")]
    [TestCase("two\nlines")]
    public void Knows_nobody_without_a_usable_name(string? subject)
    {
        Assert.That(subject is null ? Read(("role", "admin")) : Read(("sub", subject), ("role", "admin")), Is.Null);
    }

    [Test]
    public void Knows_nobody_with_two_names()
    {
        Assert.That(Read(("sub", "alice"), ("sub", "bob")), Is.Null);
    }

    private static ClaimsIdentity? Read(params (string Type, string Value)[] claims) => JwtIdentity.From([.. claims.Select(c => new Claim(c.Type, c.Value))], "role", "scope");

    private static IEnumerable<string> Values(ClaimsIdentity identity, string type) => identity.FindAll(type).Select(c => c.Value);
}
