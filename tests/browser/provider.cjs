// An OpenID Connect provider on loopback, with the users that stdin says, until stdin closes.
// {modules, client: {id, secret, back, bye}, users: {name: {groups: [...], staff, name}}}
// Prints {"issuer": "http://127.0.0.1:PORT"} when it listens.
"use strict";
const http = require("node:http");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { createRequire } = require("node:module");

async function serve(plan) {
  const fromModules = createRequire(path.join(plan.modules, "package.json"));
  const { Provider } = await import(pathToFileURL(fromModules.resolve("oidc-provider")).href);
  const server = http.createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: plan.client.id,
      client_secret: plan.client.secret,
      redirect_uris: [plan.client.back],
      post_logout_redirect_uris: [plan.client.bye],
    }],
    claims: { openid: ["sub", "groups", "staff"], profile: ["name"] },
    cookies: { keys: ["only-for-a-test"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...plan.users[id] }) }),
  });
  server.on("request", provider.callback());
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
}

let plan = "";
process.stdin.once("data", (chunk) => {
  plan += chunk;
  serve(JSON.parse(plan)).catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  });
});
process.stdin.on("end", () => process.exit(0));
